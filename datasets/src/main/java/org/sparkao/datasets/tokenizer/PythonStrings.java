package org.sparkao.datasets.tokenizer;

import java.beans.FeatureDescriptor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;

/**
 * Methods of Python's {@code str} that chat templates call. Jinjava has only those of Java, of
 * which {@code split} and {@code strip} mean something else.
 */
final class PythonStrings extends ELResolver {
  @Override
  public Object invoke(
      ELContext context, Object base, Object method, Class<?>[] types, Object[] arguments) {
    if (!(base instanceof String text)) {
      return null;
    }
    List<Object> given = arguments == null ? List.of() : Arrays.asList(arguments);
    Object result = call(text, method.toString(), given);
    context.setPropertyResolved(result != null);
    return result;
  }

  private static Object call(String text, String method, List<Object> given) {
    boolean one = given.size() == 1 && given.get(0) instanceof String;
    String argument = one ? (String) given.get(0) : null;
    if (!one && !given.isEmpty()) {
      return null;
    }
    return switch (method) {
      case "startswith" -> one ? text.startsWith(argument) : null;
      case "endswith" -> one ? text.endsWith(argument) : null;
      case "strip" -> right(left(text, argument), argument);
      case "lstrip" -> left(text, argument);
      case "rstrip" -> right(text, argument);
      case "split" -> one && !argument.isEmpty() ? split(text, argument) : null;
      case "lower" -> one ? null : text.toLowerCase(Locale.ROOT);
      case "upper" -> one ? null : text.toUpperCase(Locale.ROOT);
      default -> null;
    };
  }

  /** Without the characters, or without whitespace, at the beginning. */
  private static String left(String text, String characters) {
    int begin = 0;
    while (begin < text.length() && goes(text.charAt(begin), characters)) {
      begin++;
    }
    return text.substring(begin);
  }

  private static String right(String text, String characters) {
    int end = text.length();
    while (end > 0 && goes(text.charAt(end - 1), characters)) {
      end--;
    }
    return text.substring(0, end);
  }

  private static boolean goes(char c, String characters) {
    return characters == null ? Character.isWhitespace(c) : characters.indexOf(c) >= 0;
  }

  private static List<String> split(String text, String separator) {
    List<String> parts = new ArrayList<>();
    int from = 0;
    for (int at = text.indexOf(separator); at >= 0; at = text.indexOf(separator, from)) {
      parts.add(text.substring(from, at));
      from = at + separator.length();
    }
    parts.add(text.substring(from));
    return parts;
  }

  @Override
  public Object getValue(ELContext context, Object base, Object property) {
    return null;
  }

  @Override
  public void setValue(ELContext context, Object base, Object property, Object value) {
    // No property is this resolver's.
  }

  @Override
  public Class<?> getType(ELContext context, Object base, Object property) {
    return null;
  }

  @Override
  public boolean isReadOnly(ELContext context, Object base, Object property) {
    return true;
  }

  @Override
  public Iterator<FeatureDescriptor> getFeatureDescriptors(ELContext context, Object base) {
    return Collections.emptyIterator();
  }

  @Override
  public Class<?> getCommonPropertyType(ELContext context, Object base) {
    return String.class;
  }
}
