package org.sparkao.quant.calibrated;

import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.RangeChoice;
import org.sparkao.quant.algorithm.TensorQuantizer;

/**
 * GPTQ (Frantar et al. 2022, algorithm 1): columns are rounded one after the other, and the error
 * of each is made good by those that follow, as the second moments of the inputs say. Scales are
 * chosen before, from the weights as they are. In two steps: what depends on inputs alone, which
 * layers with the same input share, and the rows of one weight, which do not depend on each other,
 * so that slices give the codes of the whole.
 */
public interface Gptq {

  /** What inputs alone decide. Closed by the caller; serves one thread at a time. */
  interface Prepared extends AutoCloseable {
    /** What happened on the way. */
    GptqReport report();

    @Override
    void close();
  }

  /** Prepares for layers of one input. */
  Prepared prepare(SecondMoments inputs, GptqOptions options);

  /**
   * A quantizer for one weight; the errors that it reports are those of the weight itself.
   *
   * @param request its algorithm says how ranges are searched: round to nearest for the plain range
   * @param prepared of {@link #prepare} of the same implementation, with K as in the request
   */
  GptqQuantizer quantizer(QuantizeRequest request, RangeChoice ranges, Prepared prepared);

  /** A quantizer that can say what GPTQ itself minimizes. */
  interface GptqQuantizer extends TensorQuantizer {
    /**
     * Half the sum of squared errors of rounding, each divided by its diagonal element of the
     * factor: the loss of the paper, over all rows so far but those with NaN or infinities.
     */
    double loss();

    /** Rows with NaN or infinities, which were rounded to nearest. */
    long rowsRoundedToNearest();
  }
}
