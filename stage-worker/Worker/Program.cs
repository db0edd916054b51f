using Pipeline.StageWorker.Hosting;

return await WorkerCommand.RunAsync(args);
