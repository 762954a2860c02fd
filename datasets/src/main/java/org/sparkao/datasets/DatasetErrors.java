package org.sparkao.datasets;

/** The messages of this module: what, where, the values, the way out. */
public final class DatasetErrors {
  private static final String WRITE_JSON =
      "AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) of transformers writes"
          + " tokenizer.json";

  private DatasetErrors() {}

  /** A folder without any tokenizer. */
  public static String noTokenizer(Object folder) {
    return folder
        + ": neither tokenizer.json nor tokenizer.model is there; copy it from where the model was"
        + " published, or, if the folder holds another kind of tokenizer, "
        + WRITE_JSON;
  }

  /** A tokenizer.json or tokenizer.model that its library or this one cannot read. */
  public static String brokenTokenizer(Object file, String reason) {
    return file
        + ": this is no usable tokenizer ("
        + reason
        + "); copy the file again from where the model was published (a download may have been cut"
        + " off, or git left a pointer of Git LFS in its place), or, from its other files, "
        + WRITE_JSON;
  }

  /** A file of JSON beside the tokenizer that is broken. */
  public static String brokenJson(Object file, String reason) {
    return file
        + ": not the JSON that was expected ("
        + reason
        + "); copy the file again from where the model was published";
  }

  /** A special token that the vocabulary lacks. */
  public static String unknownSpecialToken(Object file, String key, String token, Object in) {
    return file
        + ": "
        + key
        + " is \""
        + token
        + "\", which is no token of "
        + in
        + "; take both files from the same model";
  }

  /** Tokens beside a tokenizer.model that SentencePiece knows nothing of. */
  public static String tokensBesideTheModel(Object file, String token) {
    return file
        + ": token \""
        + token
        + "\" is not in tokenizer.model, and SentencePiece cannot add it; "
        + WRITE_JSON
        + ", which holds both";
  }

  /** More tokens than the model has rows of embeddings, or far fewer. */
  public static String vocabularyMismatch(Object tokenizer, int tokens, Object config, long rows) {
    return tokenizer
        + " has ids for "
        + tokens
        + " tokens and "
        + config
        + " says vocab_size "
        + rows
        + "; the tokenizer is of another model: copy the one that was published with this model";
  }

  /** A text that is no Unicode: half of a surrogate pair. */
  public static String loneSurrogate(int index, char unit) {
    return String.format(
        "character %d of the text is U+%04X, half of a surrogate pair; replace it or leave the text"
            + " out, no tokenizer has an id for it",
        index, (int) unit);
  }

  /** Offsets asked of a tokenizer that does not know them. */
  public static String noOffsets(Object file) {
    return file + ": SentencePiece's Java library tells no offsets; a tokenizer.json gives them";
  }

  /** A folder for native libraries that others may write to, or that cannot be made. */
  public static String unsafeFolder(Object folder, String reason) {
    return "native libraries of the tokenizers are not put into "
        + folder
        + ": "
        + reason
        + "; remove it, or name another parent folder (-Dsparkao.native-folder=FOLDER)";
  }

  /** A native library that is not there for this platform or cannot be loaded. */
  public static String noNatives(String library, String reason) {
    return "the native library of "
        + library
        + " cannot be loaded ("
        + reason
        + "); it exists for Linux (glibc 2.34 or later) on x86-64 and arm64 and for macOS on arm64,"
        + " and needs a folder that may hold programs (-Dsparkao.native-folder=FOLDER)";
  }

  /** A folder whose tokenizer has no chat template. */
  public static String noChatTemplate(Object folder) {
    return folder
        + ": neither chat_template.jinja nor chat_template in tokenizer_config.json is there; leave"
        + " --chat-template out, or copy the file from where the model was published";
  }

  /** A chat template that refuses a conversation, or is none. */
  public static String brokenChatTemplate(Object file, String reason) {
    return file
        + ": the chat template cannot be applied ("
        + reason
        + "); leave --chat-template out, or copy the template again from where the model was"
        + " published";
  }
}
