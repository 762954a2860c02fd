package org.sparkao.jobs.page;

import java.awt.Dimension;
import java.awt.Graphics2D;
import java.io.StringWriter;
import java.util.function.Consumer;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.transform.OutputKeys;
import javax.xml.transform.Transformer;
import javax.xml.transform.TransformerException;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.apache.batik.svggen.SVGGeneratorContext;
import org.apache.batik.svggen.SVGGraphics2D;
import org.apache.batik.svggen.SVGIDGenerator;
import org.apache.batik.svggen.SVGSyntax;
import org.knowm.xchart.internal.chartpart.Chart;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** A chart as an {@code svg} element that stands inside a page of HTML. */
public final class SvgPicture {
  private static final String NAMESPACE = "http://www.w3.org/2000/svg";

  private SvgPicture() {}

  /**
   * Paints a chart. Letters become outlines, so the picture looks the same whatever fonts there
   * are.
   *
   * @param id begins every id inside, so that several pictures share a page
   * @param label what is to be seen, for those who cannot
   */
  public static String paint(Chart<?, ?> chart, String id, String label) {
    return paint(
        graphics -> chart.paint(graphics, chart.getWidth(), chart.getHeight()),
        new Dimension(chart.getWidth(), chart.getHeight()),
        id,
        label);
  }

  static String paint(Consumer<Graphics2D> drawing, Dimension size, String id, String label) {
    try {
      Document document =
          DocumentBuilderFactory.newDefaultInstance()
              .newDocumentBuilder()
              .getDOMImplementation()
              .createDocument(NAMESPACE, "svg", null);
      SVGGeneratorContext context = SVGGeneratorContext.createDefault(document);
      context.setComment(null);
      context.setIDGenerator(new PrefixedIds(id));
      SVGGraphics2D graphics = new SVGGraphics2D(context, false);
      drawing.accept(graphics);
      Element root = graphics.getRoot();
      dropSharedIds(root);
      root.setAttribute("viewBox", "0 0 " + size.width + " " + size.height);
      root.setAttribute("width", Integer.toString(size.width));
      root.setAttribute("height", Integer.toString(size.height));
      root.setAttribute("role", "img");
      root.setAttribute("aria-label", label);
      return serialize(root);
    } catch (ParserConfigurationException | TransformerException e) {
      throw new IllegalStateException("the JDK writes XML", e);
    }
  }

  /** Batik gives every picture's first definitions the same id; nothing refers to it. */
  private static void dropSharedIds(Element root) {
    NodeList definitions = root.getElementsByTagNameNS(NAMESPACE, "defs");
    for (int i = 0; i < definitions.getLength(); i++) {
      Element element = (Element) definitions.item(i);
      if (element.getAttribute("id").equals(SVGSyntax.ID_PREFIX_GENERIC_DEFS)) {
        element.removeAttribute("id");
      }
    }
  }

  private static String serialize(Element root) throws TransformerException {
    Transformer transformer = TransformerFactory.newDefaultInstance().newTransformer();
    transformer.setOutputProperty(OutputKeys.OMIT_XML_DECLARATION, "yes");
    StringWriter text = new StringWriter();
    transformer.transform(new DOMSource(root), new StreamResult(text));
    return text.toString();
  }

  private static final class PrefixedIds extends SVGIDGenerator {
    private final String prefix;

    PrefixedIds(String prefix) {
      this.prefix = prefix + "-";
    }

    @Override
    public String generateID(String kind) {
      return super.generateID(prefix + kind);
    }
  }
}
