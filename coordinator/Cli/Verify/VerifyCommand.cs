using System.CommandLine;
using Pipeline.Coordinator.Cli.Rendering;

namespace Pipeline.Coordinator.Cli.Verify;

/// <summary><c>coordinator verify</c>: proof that a pipeline computes what one machine would.</summary>
internal static class VerifyCommand
{
    public static Command Create(Terminal terminal)
    {
        var options = new VerifyOptions();
        var json = CommonOptions.Json();
        var command = new DocumentedCommand("verify", "Prove that pipelines of several stages compute what an oracle, or one stage, computes.")
        {
            Notes =
            [
                "Every case is a prompt; all are sent at once. The logits of all its positions have to agree within the tolerance,",
                "and the greedily generated tokens have to be the same. One excuse: where the logits of the two tokens are nearer",
                "than twice the tolerance either may be drawn; such cases are counted, and not compared any further.",
                "For bf16 and f16 give the tolerance in percent: then the median over the positions of |difference| / |expected|",
                "counts, since each logit errs by its share and a router's close call moves a whole position. Tokens are counted",
                "then, not judged, as long as the pipeline's own logits favour them.",
                "Without --golden the prompts are pseudo-random and the reference is a pipeline of one stage with the same steps:",
                "the bits have to be the same. With several microbatches what travels together depends on timing, and so may the",
                "last bits of a matrix product: give a --tolerance then.",
            ],
            Examples =
            [
                "coordinator verify --stages 1,2,4",
                "coordinator verify --model ~/models/Mixtral-8x7B-v0.1 --stages 4,8 --device cuda --golden mixtral.golden.safetensors --tolerance 3%",
                "coordinator verify --stages 8 --chunk 1,16,all --json",
            ],
        };
        options.AddTo(command);
        command.Add(json);
        command.Runs(async (parsed, cancellationToken) =>
        {
            var report = await new VerifySession(terminal, TimeProvider.System).RunAsync(options.Resolve(parsed), cancellationToken);
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(terminal.Output, report);
            }
            else
            {
                VerifyText.Write(report, terminal);
            }

            return report.Passed ? ExitCode.Success : ExitCode.Failure;
        });
        return command;
    }
}
