using System.CommandLine;
using Pipeline.Coordinator.Cli.Rendering;

namespace Pipeline.Coordinator.Cli.Run;

/// <summary><c>coordinator run</c>: builds a pipeline, continues the prompts, tells how it went.</summary>
internal static class RunCommand
{
    private const int DefaultStages = 1;

    public static Command Create(Terminal terminal)
    {
        var pipeline = new PipelineOptions();
        var prompts = new PromptOptions();
        var sampling = new SamplingOptions();
        var maxTokens = new Option<int>("--max-tokens", "-n") { Description = "Tokens to generate for each prompt; 0 only scores the prompts", HelpName = "N", DefaultValueFactory = _ => 128, CustomParser = Parsers.Integer(0, CommonOptions.MostTokens) };
        var stop = new Option<string[]>("--stop") { Description = "End the text before this string; repeatable", HelpName = "TEXT", Arity = ArgumentArity.ZeroOrMore };
        var ignoreEos = new Option<bool>("--ignore-eos") { Description = "Go on after the end of text" };
        var recovery = new Option<int?>("--recovery-timeout") { Description = "When a stage is lost, bring it back, and wait this long for it (default: the run ends with the first loss)", HelpName = "SECONDS", CustomParser = Parsers.OptionalInteger(1, 86_400) };
        var timeline = new Option<string?>("--timeline") { Description = "Write every stage's computing, waiting and sending as a Chrome trace (open in ui.perfetto.dev)", HelpName = "FILE" };
        var json = CommonOptions.Json();
        var command = new DocumentedCommand("run", "Continue prompts on a pipeline of stage workers.")
        {
            Notes =
            [
                "Without --workers the stages are launched on this host and stopped at the end. Text goes to standard output,",
                "progress and the closing table to standard error.",
            ],
            Examples =
            [
                "coordinator run --stages 4",
                "coordinator run --stages 4 --prompt \"JULIET:\" --prompt \"KING RICHARD III:\" --temperature 0.8 --seed 7",
                "coordinator run --workers gpu0:50051,gpu1:50051 --model /models/Mistral-7B-v0.3 --prompts-file questions.txt --chat --json",
            ],
        };
        pipeline.AddTo(command);
        prompts.AddTo(command);
        foreach (var option in new Option[] { maxTokens, stop, ignoreEos })
        {
            command.Add(option);
        }

        sampling.AddTo(command);
        command.Add(recovery);
        command.Add(timeline);
        command.Add(json);
        command.Runs(async (parsed, cancellationToken) =>
        {
            var plan = Plan(parsed);
            var report = await new RunSession(terminal, TimeProvider.System, streamsText: !parsed.GetValue(json)).RunAsync(plan, cancellationToken);
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(terminal.Output, report);
            }

            return ExitCode.Success;
        });
        return command;

        RunPlan Plan(ParseResult parsed)
        {
            Check(parsed);
            var model = pipeline.Model(parsed);
            var tokenizer = RunPlan.TokenizerOf(model, isNeeded: !prompts.AreIds(parsed));
            if (tokenizer is null && parsed.GetValue(stop) is { Length: > 0 })
            {
                throw new UserErrorException($"--stop is text, and {model.Config.Name} has no tokenizer here to make any; leave it out");
            }

            var list = prompts.Resolve(parsed, model, tokenizer, terminal.Input);
            var longest = list.Max(prompt => prompt.Tokens.Count) + parsed.GetValue(maxTokens);
            return new RunPlan(
                model,
                tokenizer,
                pipeline.Resolve(parsed, model, list.Count, longest, DefaultStages, sampling.Seed(parsed)) with
                {
                    RecoveryPatience = parsed.GetValue(recovery) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                },
                list,
                parsed.GetValue(maxTokens),
                sampling.Resolve(parsed, model.Config),
                parsed.GetValue(stop) ?? [],
                parsed.GetValue(ignoreEos),
                parsed.GetValue(timeline));
        }

        void Check(ParseResult parsed)
        {
            if (sampling.Logprobs(parsed) is not null && !parsed.GetValue(json))
            {
                throw new UserErrorException("--logprobs are reported in the JSON document only; add --json");
            }

            if (sampling.MinTokens(parsed) > parsed.GetValue(maxTokens))
            {
                throw new UserErrorException($"--min-tokens {sampling.MinTokens(parsed)} is more than --max-tokens {parsed.GetValue(maxTokens)}");
            }

            if ((parsed.GetValue(stop) ?? []).Contains(""))
            {
                throw new UserErrorException("--stop wants text, got ''; leave it out to stop at the end of text only");
            }
        }
    }
}
