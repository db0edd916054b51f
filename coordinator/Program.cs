using Pipeline.Coordinator.Cli;

// The commands are listed in CoordinatorApp; each is one class in Cli.
using var interruption = new Interruption();
var app = new CoordinatorApp(Terminal.OfProcess());
return (int)await app.RunAsync(args, interruption.Token);
