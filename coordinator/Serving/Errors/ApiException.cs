using Microsoft.AspNetCore.Http;

namespace Pipeline.Coordinator.Serving.Errors;

/// <summary>An answer that is an error: status, and what the envelope says.</summary>
internal sealed class ApiException(int status, string type, string message) : Exception(message)
{
    public int Status { get; } = status;

    public string Type { get; } = type;

    /// <summary>The field of the request that is to blame.</summary>
    public string? Param { get; init; }

    public string? Code { get; init; }

    /// <summary>When it may be worth asking again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The request is wrong and will stay so.</summary>
    public static ApiException Invalid(string? param, string message) =>
        new(StatusCodes.Status400BadRequest, "invalid_request_error", message) { Param = param };

    /// <summary>The request does not fit into the model's context, or into the cache.</summary>
    public static ApiException TooLong(string param, string message) =>
        new(StatusCodes.Status400BadRequest, "invalid_request_error", message) { Param = param, Code = "context_length_exceeded" };

    public static ApiException Unauthorized(string message) =>
        new(StatusCodes.Status401Unauthorized, "authentication_error", message) { Code = "invalid_api_key" };

    public static ApiException UnknownModel(string name, IEnumerable<string> served) =>
        new(StatusCodes.Status404NotFound, "invalid_request_error", $"model is '{name}', which is not served here; {string.Join(", ", served.Select(known => $"'{known}'"))} is")
        {
            Param = "model",
            Code = "model_not_found",
        };

    public static ApiException Encoded(string encoding) =>
        new(StatusCodes.Status415UnsupportedMediaType, "invalid_request_error", $"the body's Content-Encoding is {encoding}; this server supports none, send the JSON as it is") { Code = "unsupported_encoding" };

    /// <summary>A matter of load: the same request may be served later.</summary>
    public static ApiException TooMany(string message, TimeSpan retryAfter) =>
        new(StatusCodes.Status429TooManyRequests, "rate_limit_error", message) { Code = "rate_limit_exceeded", RetryAfter = retryAfter };

    public static ApiException Unavailable(string message, string code, TimeSpan retryAfter) =>
        new(StatusCodes.Status503ServiceUnavailable, "unavailable_error", message) { Code = code, RetryAfter = retryAfter };

    public static ApiException TimedOut(string message) =>
        new(StatusCodes.Status504GatewayTimeout, "timeout_error", message) { Code = "deadline_exceeded" };
}
