using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;

namespace Pipeline.StageWorker.Hosting;

/// <summary>Refuses device names that no host can have.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed partial class DeviceNameAttribute : ValidationAttribute
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is string text && Names().IsMatch(text)
            ? ValidationResult.Success
            : new ValidationResult($"--device wants cpu, cuda or cuda:N, got '{value}'");

    [GeneratedRegex(@"^(cpu|cuda(:\d{1,2})?)\z")]
    private static partial Regex Names();
}
