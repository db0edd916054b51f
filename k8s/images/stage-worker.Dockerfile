# syntax=docker/dockerfile:1
# The stage worker, with libtorch for the CPU or for NVIDIA GPUs. Built from the root of the repository:
#   docker build -f k8s/images/stage-worker.Dockerfile -t pipeline-stage-worker:dev .
#   docker build -f k8s/images/stage-worker.Dockerfile -t pipeline-stage-worker:dev-cuda --build-arg LIBTORCH=cuda .
ARG DOTNET=10.0
# cpu or cuda
ARG LIBTORCH=cpu

FROM mcr.microsoft.com/dotnet/sdk:${DOTNET}-noble AS build
ARG LIBTORCH
WORKDIR /source
# What decides the packages comes first: a change of code does not fetch them again, and libtorch is most of them.
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig ./
COPY shared/Pipeline.Shared.csproj shared/
COPY protos/Pipeline.Protos.csproj protos/
COPY stage-worker/Model/Pipeline.Model.csproj stage-worker/Model/
COPY stage-worker/Worker/Pipeline.StageWorker.csproj stage-worker/Worker/
RUN dotnet restore stage-worker/Worker -p:LibTorch=${LIBTORCH}
COPY shared/ shared/
COPY protos/ protos/
COPY stage-worker/ stage-worker/
RUN dotnet publish stage-worker/Worker --no-restore -c Release -p:LibTorch=${LIBTORCH} -p:PublishDocumentationFiles=false -o /app
# In a folder of their own the native libraries become a layer of their own, which only a new version of libtorch changes.
RUN mkdir /native && find /app -name '*.so*' -exec mv -t /native {} +

FROM mcr.microsoft.com/dotnet/aspnet:${DOTNET}-noble AS worker
ARG VERSION=dev
LABEL org.opencontainers.image.title="pipeline-stage-worker" \
      org.opencontainers.image.description="One stage of a pipeline: a shard of a Mistral or Mixtral model, on a CPU or a GPU" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# The root file system may be read-only: nothing is written but below /tmp and the cache of compiled kernels.
ENV XDG_CACHE_HOME=/var/cache/pipeline
RUN install -d -o 1654 -g 1654 /var/cache/pipeline
# The default model.
COPY models/tiny-mixtral/ /models/tiny-mixtral/
COPY --from=build /native/ /app/
COPY --from=build /app/ /app/
# The user "app" of the base image, by number, so that runAsNonRoot can be checked.
USER 1654:1654
EXPOSE 50051 50052
# For docker alone; Kubernetes has its own probes, which ask for more. This tells that the health port is served, or the main one where there is no other.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
    CMD ["bash", "-c", "(exec 3<>/dev/tcp/127.0.0.1/50052) 2>/dev/null || exec 3<>/dev/tcp/127.0.0.1/50051"]
ENTRYPOINT ["dotnet", "/app/stage-worker.dll"]
CMD ["--help"]

FROM worker AS cpu

# CUDA's libraries come with libtorch's packages: a base image of NVIDIA's would bring them a second time. The variables tell
# NVIDIA's container runtime what to hand over.
FROM worker AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

FROM ${LIBTORCH}
