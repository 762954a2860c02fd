package org.sparkao.jobs.cli;

import java.util.List;
import org.sparkao.jobs.bench.BenchJob;
import org.sparkao.jobs.calibrate.CalibrateJob;
import org.sparkao.jobs.compare.CompareJob;
import org.sparkao.jobs.describe.DescribeJob;
import org.sparkao.jobs.describe.RunsJob;
import org.sparkao.jobs.doctor.DoctorJob;
import org.sparkao.jobs.evaluate.EvaluateJob;
import org.sparkao.jobs.export.ExportJob;
import org.sparkao.jobs.generate.GenerateJob;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.quantize.QuantizeJob;
import org.sparkao.jobs.quickstart.QuickstartJob;
import org.sparkao.jobs.sweep.SweepJob;
import org.sparkao.jobs.train.TrainJob;
import org.sparkao.jobs.verify.VerifyJob;

/** Every job, in the order of the help text. */
final class Jobs {
  private static final List<Job> ALL =
      List.of(
          new QuickstartJob(),
          new QuantizeJob(),
          new VerifyJob(),
          new CalibrateJob(),
          new EvaluateJob(),
          new GenerateJob(),
          new TrainJob(),
          new ExportJob(),
          new CompareJob(),
          new SweepJob(),
          new DoctorJob(),
          new BenchJob(),
          new RunsJob(),
          new DescribeJob());

  private Jobs() {}

  static List<Job> all() {
    return ALL;
  }
}
