using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pipeline.Coordinator.Serving.OpenAI;

namespace Pipeline.Coordinator.Serving.Errors;

/// <summary>Writes errors in the envelope that clients expect.</summary>
internal static class ErrorResponses
{
    public static byte[] Document(ApiException error) => JsonSerializer.SerializeToUtf8Bytes(
        new ErrorEnvelope(new ErrorDetail(error.Message, error.Type, error.Param, error.Code)), WireJson.Plain.ErrorEnvelope);

    public static async Task WriteAsync(HttpResponse response, ApiException error)
    {
        response.StatusCode = error.Status;
        response.ContentType = "application/json";
        if (error.RetryAfter is { } wait)
        {
            response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        if (error.Status == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "Bearer";
        }

        await response.Body.WriteAsync(Document(error));
    }
}
