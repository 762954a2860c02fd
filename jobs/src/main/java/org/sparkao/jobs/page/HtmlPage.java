package org.sparkao.jobs.page;

import freemarker.core.HTMLOutputFormat;
import freemarker.template.Configuration;
import freemarker.template.TemplateException;
import freemarker.template.TemplateExceptionHandler;
import freemarker.template.TemplateModelException;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One page of HTML that needs nothing else: no script, no link, no font. Every value is escaped by
 * the template; only pictures are markup.
 */
public final class HtmlPage {
  private static final Configuration TEMPLATES = templates();

  private final String template;
  private final Map<String, Object> model = new LinkedHashMap<>();

  /** A page of a template of this package, by its file name. */
  public HtmlPage(String template) {
    this.template = template;
  }

  private static Configuration templates() {
    Configuration templates = new Configuration(Configuration.VERSION_2_3_34);
    templates.setClassForTemplateLoading(HtmlPage.class, "");
    templates.setDefaultEncoding(StandardCharsets.UTF_8.name());
    templates.setLocale(Locale.ROOT);
    templates.setTemplateExceptionHandler(TemplateExceptionHandler.RETHROW_HANDLER);
    templates.setLogTemplateExceptions(false);
    return templates;
  }

  /** Gives the template a value: texts, numbers, records, and lists and maps of them. */
  public HtmlPage put(String name, Object value) {
    model.put(name, value);
    return this;
  }

  /** Gives the template a picture of {@link SvgPicture}, which is not escaped. */
  public HtmlPage putPicture(String name, String svg) {
    return put(name, markup(svg));
  }

  /** The same with a list of pictures. */
  public HtmlPage putPictures(String name, List<String> svgs) {
    return put(name, svgs.stream().map(HtmlPage::markup).toList());
  }

  private static Object markup(String svg) {
    try {
      return HTMLOutputFormat.INSTANCE.fromMarkup(svg);
    } catch (TemplateModelException e) {
      throw new IllegalStateException("markup is only kept", e);
    }
  }

  /** The page. */
  public String render() {
    StringWriter page = new StringWriter();
    try {
      TEMPLATES.getTemplate(template).process(model, page);
    } catch (TemplateException e) {
      throw new IllegalStateException(template + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException(template + " is part of this program", e);
    }
    return page.toString();
  }
}
