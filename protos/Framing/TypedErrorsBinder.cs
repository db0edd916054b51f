using Grpc.Core;
using Pipeline.Protos.Codec;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Framing;

/// <summary>
/// Binds the methods of a generated service so that a request which no parser takes is answered with a typed error, as one that is
/// wrong in what it says. Generated stubs let the parser's own exception through, which the caller sees as a failure of the server.
/// </summary>
internal sealed class TypedErrorsBinder(ServiceBinderBase inner) : ServiceBinderBase
{
    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
        inner.AddMethod(Typed(method), handler);

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler) =>
        inner.AddMethod(Typed(method), handler);

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
        inner.AddMethod(Typed(method), handler);

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
        inner.AddMethod(Typed(method), handler);

    private static Method<TRequest, TResponse> Typed<TRequest, TResponse>(Method<TRequest, TResponse> method)
        where TRequest : class
        where TResponse : class => new(
        method.Type, method.ServiceName, method.Name, new Marshaller<TRequest>(method.RequestMarshaller.ContextualSerializer, context => Parse(method, context)), method.ResponseMarshaller);

    private static TRequest Parse<TRequest, TResponse>(Method<TRequest, TResponse> method, DeserializationContext context)
    {
        try
        {
            return method.RequestMarshaller.ContextualDeserializer(context);
        }
        catch (Google.Protobuf.InvalidProtocolBufferException exception)
        {
            throw StageErrorCodec.ToRpc(new StageException(StageError.Malformed, $"not a {typeof(TRequest).Name}: {exception.Message}"));
        }
    }
}
