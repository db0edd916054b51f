# syntax=docker/dockerfile:1
# The coordinator: no libtorch, no GPU. Built from the root of the repository:
#   docker build -f k8s/images/coordinator.Dockerfile -t pipeline-coordinator:dev .
ARG DOTNET=10.0

FROM mcr.microsoft.com/dotnet/sdk:${DOTNET}-noble AS build
WORKDIR /source
# What decides the packages comes first: a change of code does not fetch them again.
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig ./
COPY shared/Pipeline.Shared.csproj shared/
COPY protos/Pipeline.Protos.csproj protos/
COPY coordinator/Pipeline.Coordinator.csproj coordinator/
RUN dotnet restore coordinator -p:WithWorker=false
COPY shared/ shared/
COPY protos/ protos/
COPY coordinator/ coordinator/
RUN dotnet publish coordinator --no-restore -c Release -p:WithWorker=false -p:PublishDocumentationFiles=false -o /app

FROM mcr.microsoft.com/dotnet/aspnet:${DOTNET}-noble
ARG VERSION=dev
LABEL org.opencontainers.image.title="pipeline-coordinator" \
      org.opencontainers.image.description="Scheduler, OpenAI-compatible server and command line of a pipeline of stage workers" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# The default model: its configuration and its tokenizer are read here, its weights by the stages.
COPY models/tiny-mixtral/ /models/tiny-mixtral/
COPY --from=build /app/ /app/
# The user "app" of the base image, by number, so that runAsNonRoot can be checked.
USER 1654:1654
EXPOSE 8000
# For docker alone; Kubernetes has its own probes. There is no curl in the image, but bash can speak to a port.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /health/live HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["dotnet", "/app/coordinator.dll"]
CMD ["--help"]
