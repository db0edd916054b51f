using Xunit.Sdk;
using Xunit.v3;

// A cluster takes the machine for itself.
[assembly: Parallelization(Mode = ParallelMode.None)]
