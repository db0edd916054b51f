using Xunit.v3;
using Xunit.Sdk;

// A cluster takes the machine for itself.
[assembly: Parallelization(Mode = ParallelMode.None)]
