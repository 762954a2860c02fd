package org.sparkao.jobs.storage.hub;

import java.util.Optional;
import org.sparkao.quant.QuantException;

/** Why the hub does not give something, and what helps. */
final class HubErrors {
  /** Which kind of refusal it is, where the hub says so. */
  private static final String CODE = "X-Error-Code";

  private HubErrors() {}

  /**
   * What a status that does not pass means.
   *
   * @param what address of the folder or file, as a user writes it
   */
  static QuantException of(
      HubSettings settings, HubAddress address, String what, HubClient.Answer answer) {
    String code = answer.headers().firstValue(CODE).orElse("");
    boolean refused = answer.status() == 401 || answer.status() == 403;
    String page = settings.endpoint() + "/" + address.repository();
    if (code.equals("GatedRepo")) {
      return new QuantException(what + ": " + gated(settings, page));
    }
    if (code.equals("RevisionNotFound")) {
      return new QuantException(
          what + ": " + page + " has no branch, tag or commit " + address.revision());
    }
    if (code.equals("EntryNotFound")) {
      return new QuantException(
          what + ": there is no such file at " + address.revision() + " of " + page);
    }
    if (refused && code.isEmpty() && settings.token().isPresent()) {
      return new QuantException(
          what
              + ": "
              + answer.from().getHost()
              + " refuses the token of HF_TOKEN ("
              + answer.status()
              + "); make one that may read "
              + page);
    }
    if (refused || answer.status() == 404) {
      return new QuantException(
          what
              + ": "
              + page
              + " does not exist, or is private"
              + (settings.token().isPresent()
                  ? " and the token of HF_TOKEN may not read it; check the name and the token"
                  : "; check the name, or set HF_TOKEN to a token that may read it"));
    }
    return new QuantException(
        what + ": " + answer.from().getHost() + " answers " + answer.status() + words(answer));
  }

  private static String gated(HubSettings settings, String page) {
    return "is gated: accept its conditions at "
        + page
        + (settings.token().isPresent()
            ? " as the user of HF_TOKEN, whose token must allow reading gated repositories"
            : ", then set HF_TOKEN to a token of that user");
  }

  private static String words(HubClient.Answer answer) {
    Optional<String> message = answer.headers().firstValue("X-Error-Message");
    return message.map(text -> ": " + text).orElse("");
  }
}
