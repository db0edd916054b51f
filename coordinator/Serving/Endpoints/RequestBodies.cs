using Microsoft.AspNetCore.Http;
using Pipeline.Coordinator.Serving.Admission;
using Pipeline.Coordinator.Serving.Errors;
using Pipeline.Coordinator.Serving.Requests;

namespace Pipeline.Coordinator.Serving.Endpoints;

/// <summary>Reads requests' bodies, up to the size that the server takes of one, and of all at a time.</summary>
internal sealed class RequestBodies(BodyBudget budget)
{
    private const int AtOnce = 64 << 10;

    /// <param name="read">Makes of the fields what is kept of the request, which includes all tokens.</param>
    public async Task<T> ReadAsync<T>(HttpContext context, Func<RequestFields, T> read)
    {
        RequireNoEncoding(context.Request.Headers.ContentEncoding.ToString());
        using var body = new MemoryStream();
        try
        {
            var buffer = new byte[AtOnce];
            while (await context.Request.Body.ReadAsync(buffer, context.RequestAborted) is var count and > 0)
            {
                budget.Take(count);
                body.Write(buffer, 0, count);
            }

            return RequestFields.Read(body.GetBuffer().AsMemory(0, (int)body.Length), read);
        }
        finally
        {
            budget.Give(body.Length);
        }
    }

    private static void RequireNoEncoding(string encoding)
    {
        if (encoding.Length > 0 && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            throw ApiException.Encoded(encoding);
        }
    }
}
