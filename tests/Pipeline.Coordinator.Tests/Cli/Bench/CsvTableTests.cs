using Pipeline.Coordinator.Cli.Bench;

namespace Pipeline.Coordinator.Tests.Cli.Bench;

public class CsvTableTests
{
    [Fact]
    public void Render_FakeReport_IsExactlyThis() => Assert.Equal(
        """"
        model,size_bytes,parameters,device,kernels,compute_type,stages,microbatches,threads,test,kind,tokens,depth,batch,scaling,tokens_per_second,standard_deviation,median,bubble_measured,bubble_predicted,hop_p50_us,hop_p99_us,coordinator_p50_us,coordinator_p99_us,vs_one_stage,read_gb_per_s,share_of_bound,first_token_ms_p50,first_token_ms_p90,first_token_ms_p99,interval_ms_p50,interval_ms_p90,interval_ms_p99,samples
        "tiny, ""mixed"" | model",7340032,1835008,cpu,torch,f32,1,1,2,pp16,prefill,16,0,1,strong,1234.5678,12.345,1233.25,0.015,0,,,,,1,,,12.96,13.1,13.14,,,,1220.5 1246.5
        "tiny, ""mixed"" | model",7340032,1835008,cpu,torch,f32,2,2,1,tg8@32 x2/stage,decode,8,32,4,weak,87.654,0.5,87.75,0.25,0.125,310.4,999.6,450.5,700,1.456,12.5,0.5,,,,45.04,47.5,60.26,87.25 88.25

        """",
        CsvTable.Render(FakeReport.Create()));
}
