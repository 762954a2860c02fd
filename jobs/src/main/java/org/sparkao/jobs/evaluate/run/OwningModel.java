package org.sparkao.jobs.evaluate.run;

import java.util.List;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.ModelOperators;

/** A model that closes its operators, and with them the processor that was opened for it. */
final class OwningModel implements LanguageModel {
  private final LanguageModel model;
  private final ModelOperators operators;
  private final ModelForm form;

  OwningModel(LanguageModel model, ModelOperators operators, ModelForm form) {
    this.model = model;
    this.operators = operators;
    this.form = form;
  }

  @Override
  public ModelConfig config() {
    return model.config();
  }

  @Override
  public String numerics() {
    return model.numerics() + form.tables();
  }

  @Override
  public Placement placement() {
    return model.placement();
  }

  @Override
  public int batchTokens() {
    return model.batchTokens();
  }

  @Override
  public List<SequenceScore> score(List<ScoredSequence> batch) {
    return model.score(batch);
  }

  @Override
  public List<SequenceScore> score(List<ScoredSequence> batch, LogitsSink sink) {
    return model.score(batch, sink);
  }

  @Override
  public List<int[]> generate(List<int[]> prompts, GenerationLimits limits, Sampling sampling) {
    return model.generate(prompts, limits, sampling);
  }

  @Override
  public int continuedAtATime(int tokens) {
    return model.continuedAtATime(tokens);
  }

  @Override
  public void close() {
    model.close();
    close(operators);
  }

  /** A GPU stays open: it is the executor's. */
  static void close(ModelOperators operators) {
    operators.close();
    if (operators.device().info().kind() == DeviceInfo.Kind.CPU) {
      operators.device().close();
    }
  }
}
