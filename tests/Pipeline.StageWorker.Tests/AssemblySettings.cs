using Xunit.Sdk;
using Xunit.v3;

// Live tensors are counted for the whole process, and the console is one.
[assembly: Parallelization(Mode = ParallelMode.None)]
