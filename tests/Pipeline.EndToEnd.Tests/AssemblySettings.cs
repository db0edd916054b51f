using Pipeline.EndToEnd.Tests.Processes;
using Xunit.Sdk;
using Xunit.v3;

// Every test starts processes or measures time: one at a time. The workers of the pool serve all of them.
[assembly: Parallelization(Mode = ParallelMode.None)]
[assembly: AssemblyFixture(typeof(WorkerPool))]
