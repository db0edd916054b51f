using Microsoft.Extensions.Options;

namespace Pipeline.StageWorker.Hosting;

/// <summary>Checks the attributes of <see cref="WorkerOptions"/>; generated.</summary>
[OptionsValidator]
public sealed partial class WorkerOptionsValidator : IValidateOptions<WorkerOptions>;
