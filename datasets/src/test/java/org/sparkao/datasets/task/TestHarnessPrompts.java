package org.sparkao.datasets.task;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.datasets.tokenizer.ChatTemplate;

/**
 * Prompts with and without examples, system prompt and chat template. The documents under task-data
 * are random words; the expected hashes were computed in Python over the requests that
 * ConfigurableTask.build_all_requests of lm_eval 0.4.13 makes of them with its own task files (seed
 * 1234), and apply_chat_template of transformers with SmolLM2's template.
 */
class TestHarnessPrompts {
  /** That of SmolLM2-135M-Instruct (Apache-2.0). */
  private static final String TEMPLATE =
      """
      {% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}\
      {{ '<|im_start|>system
      You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>
      ' }}{% endif %}{{'<|im_start|>' + message['role'] + '
      ' + message['content'] + '<|im_end|>' + '
      '}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
      ' }}{% endif %}""";

  @TempDir private Path folder;

  static Path data() throws URISyntaxException {
    return Path.of(TestHarnessPrompts.class.getResource("/task-data").toURI());
  }

  /** SHA-256 over the hexadecimal hashes of all requests in order. */
  @ParameterizedTest
  @CsvSource({
    "arc_challenge, 0, , , 19, 8d5ae147ddea89bd10c8a5cb5aaf755aa9f4ce0b30beef419c2ad6863427ed66",
    "arc_challenge, 5, , , 19, 83b9a8463579487e26e4a9786995954ebb26230b8be3ec61c9157ffb5e68855f",
    "arc_challenge, 3, ONE_FOR_ALL, , 19, 9242a1c0ec98f06b1ecde5cb0da7aae7c9785e33f93ca3c7e45a5aa12bdd6349",
    "arc_challenge, 2, ONE_EACH, Be brief., 19, 806d1df5b77125db5b4fce0cdb799841c5b0d100ae68c3f0da135ed2365d3ac3",
    "arc_challenge, 7, , You answer., 19, d2dae4d2939b732fdb82e4dc675ffe773870d1d2d7d55e1cafafd70578c3de2b",
    "arc_easy, 0, , , 48, b1f58d139707ba7e7ad1b6a3a056ee7fb3a385f8a50d755894fb24bb8ee653d4",
    "arc_easy, 5, , , 48, 1f2efac8d8ddd435a8930f5c3fe8f4fdd4a4a0fbcd9df118abc37905c75d02df",
    "arc_easy, 3, ONE_FOR_ALL, , 48, 4bd488b6ef70f522bbf5bc3efc22759617fbca9796a16e3d997367426e9e7633",
    "arc_easy, 2, ONE_EACH, Be brief., 48, 41fac8965da1054e008705ca033fd6feb9fe267d743666b37d754b49ae390500",
    "arc_easy, 7, , You answer., 48, c54e3f82c601d62396b5259442a543a19fc3bf43b4da7d60103f25ceb8bf8301",
    "gsm8k, 0, , , 10, 3e1ec584dc2d6d30a1f345a8bcf6d20ac37c3682ef168eec38feda0227993c17",
    "gsm8k, 5, , , 10, 5ff64e2d986273c5500188bc68a7c9c1dd96f444eecd8e704167830f36e64381",
    "gsm8k, 3, ONE_FOR_ALL, , 10, a75e814074a0554214270001c6394bc484cbaf3d1528ea4dc72360db18e9bc4c",
    "gsm8k, 2, ONE_EACH, Be brief., 10, 7127afcb335d18aa29b34da647a4544bf8563abb3c23194fb774eb93f229514a",
    "gsm8k, 7, , You answer., 10, 96cfb65c4af79eec4bf1b0908de6196e52f31f3d3c62733f50996a6d2b872a3f",
    "hellaswag, 0, , , 48, 6b53e1c006a7dd3840877c5b99e9897da0ad064c644488c800901ccde4ce2ada",
    "hellaswag, 5, , , 48, 03413b6ea7d61f439e7a460a0c37547525788f562c89af797c1be8ba73405926",
    "hellaswag, 3, ONE_FOR_ALL, , 48, d062ded4457df1f0ef56c6eb73621de4694ba068b49f2239c729ec4da764e26e",
    "hellaswag, 2, ONE_EACH, Be brief., 48, 2981305c13f0aea64186043d0c8e71fbd21666aa1282373d9bd038e641e3a0b8",
    "hellaswag, 7, , You answer., 48, 450c90b981244cdf6b9bb66d564e3bd9be056c38e914bee67d93614e970d92c1",
    "lambada, 0, , , 30, a5017b3199e8d36de0ad11e9df4cb4b84af807fdb10ef07a923f6b5f7ef876ac",
    "lambada, 5, , , 30, 4c5dbc55547311c9f28d369e1d50d5acd4e7f18d02a1fe60796d3ab64f16b360",
    "lambada, 3, ONE_FOR_ALL, , 30, 132946d73866ad2daa60936d704f66cdb4dcc7c2d484bb0173ef78aa4d05af1f",
    "lambada, 2, ONE_EACH, Be brief., 30, 9d9fd7d45a0e96210fd29d61d7f3caf6aca857b23fe0b26499b98c78d54caae1",
    "lambada, 7, , You answer., 30, bbf119542824e2890d7779ef5dfc5243f5e401f8cd54752478032f6a9d4f192b",
    "mmlu, 0, , , 48, 643d3b85a95cc52dec20e2c155ace50b75cd44fcc1bda3278b222c30f39a3843",
    "mmlu, 5, , , 48, 1e66551fa795785e496b85792dab323978a670796205ce7851f966d16659c19f",
    "mmlu, 3, ONE_FOR_ALL, , 48, e82fe1ea5dd0df2fab2c8a650d8e2a4dfab8f788a504b87495f347f464633b03",
    "mmlu, 2, ONE_EACH, Be brief., 48, f2fa15f687860f9b23ffead8187a9a78e666283899407bfac0af9de6c81af302",
    "mmlu, 4, , You answer., 48, 2bc8ab463071031980df3ac30ac3bc518d6c946811af3e0ce6f91a7a0c69421b",
    "piqa, 0, , , 20, 7f86a39ecb0d7c01db17b4985532fa347cd21c65264ed63dc81a1e00fd2675e0",
    "piqa, 5, , , 20, 0e57d83b4d1066c918688a24bc2b9bd4c3d71aaa8cc9bc67b34bd5931927d55c",
    "piqa, 3, ONE_FOR_ALL, , 20, 4366f95d54b284a68140a2b18c3b67a2d33902199f0d726a2f6bc94eb62db5cd",
    "piqa, 2, ONE_EACH, Be brief., 20, 307461e7f48e221fcb7f05d49294a63d832857810725d5c98b63a612c2890fc2",
    "piqa, 7, , You answer., 20, cdb785968de71f861a64b00a4cde18dbf23be9b92f62fdc89fdf81a6e626d58f",
    "winogrande, 0, , , 24, c831039a1a5adab93a242a03772d21c5a26b401534253ed48f889369d7c1f9a4",
    "winogrande, 5, , , 24, 03e740ffe6c6000fe4b200b68264470038fff9445e353652122d9a8aba8864e3",
    "winogrande, 3, ONE_FOR_ALL, , 24, 5d641f4a8fc2c6de44eecb7c833c2660fde112e4d9fb1d06a656c1837de10d67",
    "winogrande, 2, ONE_EACH, Be brief., 24, 3156a4f81b590c1759461188bbbc5ccae72f9177715ad8c174a8e623865a55b7",
    "winogrande, 7, , You answer., 24, 38116cc394b34c834456b2477b50d6ebf2c7a5d21e145f3434ec8a02e44cc6c0"
  })
  void everyRequestIsTheHarnesses(
      String task, int examples, ChatTurns turns, String system, int requests, String sha256)
      throws Exception {
    ItemOptions options = ItemOptions.ofTask().withFewshot(examples);
    options = system == null ? options : options.withSystemPrompt(system);
    options = turns == null ? options : options.withTurns(turns).withChat(template());
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    int count = 0;
    for (EvaluationItem item : EvalTasks.named(task).items(DataFolder.of(data()), options)) {
      for (Request request : item.requests()) {
        digest.update(request.hash().getBytes(StandardCharsets.UTF_8));
        count++;
      }
    }
    assertThat(count).isEqualTo(requests);
    assertThat(HexFormat.of().formatHex(digest.digest())).isEqualTo(sha256);
  }

  private ChatTemplate template() throws IOException {
    Files.writeString(folder.resolve("chat_template.jinja"), TEMPLATE);
    return ChatTemplate.open(folder);
  }
}
