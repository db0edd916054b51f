using System.ComponentModel.DataAnnotations;

namespace Pipeline.StageWorker.Hosting;

/// <summary>Refuses what <see cref="ListenAddress"/> cannot read.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ListenAddressAttribute : ValidationAttribute
{
    public string Flag { get; init; } = "--listen";

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is null || (value is string text && ListenAddress.TryParse(text, out _))
            ? ValidationResult.Success
            : new ValidationResult($"{Flag} wants an IP address and a port from 0 to 65535, for instance 127.0.0.1:0 or 0.0.0.0:50051; got '{value}'");
}
