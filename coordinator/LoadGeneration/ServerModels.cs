using System.Text.Json;

namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>What a server says about its models.</summary>
public static class ServerModels
{
    private const string Path = "/v1/models";

    /// <summary>In the server's order.</summary>
    /// <exception cref="UserErrorException">There is no such list at this address.</exception>
    public static async Task<IReadOnlyList<ServedModel>> ListAsync(HttpClient http, Uri baseAddress, TimeSpan timeout, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(http);
        var address = LoadTarget.Under(baseAddress, Path);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(timeout);
        try
        {
            using var response = await http.GetAsync(address, patience.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                throw new UserErrorException($"{address} answered {(int)response.StatusCode}; is this an OpenAI-compatible server, and does it want --api-key?");
            }

            return Read(await response.Content.ReadAsByteArrayAsync(patience.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new UserErrorException($"no answer from {address}");
        }
        catch (HttpRequestException exception)
        {
            throw new UserErrorException($"no answer from {address}: {exception.Message}");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new UserErrorException($"{address} is no list of models: {exception.Message}");
        }
    }

    private static List<ServedModel> Read(byte[] json)
    {
        using var document = JsonDocument.Parse(json);
        return [.. document.RootElement.GetProperty("data").EnumerateArray().Select(model => new ServedModel(model.GetProperty("id").GetString()!, VocabularySize(model)))];
    }

    private static int? VocabularySize(JsonElement model) =>
        model.TryGetProperty("meta", out var meta) && meta.ValueKind == JsonValueKind.Object && meta.TryGetProperty("n_vocab", out var size) && size.TryGetInt32(out var tokens)
            ? tokens
            : null;
}
