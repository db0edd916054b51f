using Pipeline.Cluster.Tests.Manifests;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>Every rule against a manifest with one error in it: what is planted must be found, and called what it is.</summary>
public sealed class RulesTests
{
    /// <summary>Folder, text, what stands in its place (the first time it occurs), and what must be complained of.</summary>
    public static TheoryData<string, string, string, string> PlantedErrors => new()
    {
        // Fields and words
        { Overlays.TinyCpu, "  serviceName: stage\n", "", "has no serviceName" },
        { Overlays.TinyCpu, "podManagementPolicy: Parallel", "podManagementPolicy: Paralel", "podManagementPolicy is 'Paralel'" },
        { Overlays.TinyCpu, "type: Recreate", "type: Recreated", "strategy is 'Recreated'" },
        { Overlays.TinyCpu, "imagePullPolicy: IfNotPresent", "imagePullPolicy: IfMissing", "imagePullPolicy is 'IfMissing'" },
        { Overlays.TinyCpu, "  - Egress\n", "  - Outgoing\n", "policyTypes is 'Outgoing'" },
        { Overlays.Mistral, "operator: Exists", "operator: Exist", "toleration operator is 'Exist'" },
        { Overlays.Mistral, "  - ReadWriteMany\n", "  - ReadWriteAll\n", "accessModes is 'ReadWriteAll'" },
        { Overlays.LeaderWorkerSet, "restartPolicy: None", "restartPolicy: Never", "restartPolicy is 'Never'" },
        { Overlays.TinyCpuMtls, "algorithm: ECDSA", "algorithm: ECDH", "algorithm is 'ECDH'" },
        // Names
        { Overlays.TinyCpu, "  name: stage\n  namespace: pipeline\n", "  name: stage\n  namespace: default\n", "is in the namespace 'default'" },
        { Overlays.TinyCpu, "kind: Service\nmetadata:\n  labels:\n    app.kubernetes.io/component: stage\n    app.kubernetes.io/name: pipeline\n    app.kubernetes.io/part-of: pipeline\n  name: stage\n", "kind: Service\nmetadata:\n  labels:\n    app.kubernetes.io/component: stage\n    app.kubernetes.io/name: pipeline\n    app.kubernetes.io/part-of: pipeline\n  name: coordinator\n", "is there 2 times" },
        // Selectors and ports
        { Overlays.TinyCpu, "  selector:\n    matchLabels:\n      app.kubernetes.io/component: stage\n", "  selector:\n    matchLabels:\n      app.kubernetes.io/component: stages\n", "does not match its own template" },
        { Overlays.TinyCpu, "  selector:\n    app.kubernetes.io/component: coordinator\n", "  selector:\n    app.kubernetes.io/component: leader\n", "Service coordinator selects no pods" },
        { Overlays.TinyCpu, "  podSelector:\n    matchLabels:\n      app.kubernetes.io/component: stage\n", "  podSelector:\n    matchLabels:\n      app.kubernetes.io/component: worker\n", "NetworkPolicy stage selects no pods" },
        { Overlays.TinyCpu, "    - podSelector:\n        matchLabels:\n          app.kubernetes.io/component: coordinator\n", "    - podSelector:\n        matchLabels:\n          app.kubernetes.io/component: leader\n", "a peer selects no pods" },
        { Overlays.TinyCpuMtls, "    port: http\n  selector:\n    matchLabels:\n      app.kubernetes.io/component: coordinator\n", "    port: http\n  selector:\n    matchLabels:\n      app.kubernetes.io/component: leader\n", "ServiceMonitor coordinator selects no Service" },
        { Overlays.TinyCpu, "targetPort: grpc", "targetPort: grcp", "has no port grcp" },
        { Overlays.TinyCpu, "  ingress:\n  - ports:\n    - port: http\n", "  ingress:\n  - ports:\n    - port: https\n", "has no port https" },
        { Overlays.TinyCpu, "    - port: grpc\n    to:", "    - port: rpc\n    to:", "where it leads, has no port rpc" },
        { Overlays.TinyCpuMtls, "    port: http\n  selector:", "    port: metrics\n  selector:", "its Service has no port metrics" },
        { Overlays.TinyCpu, "  publishNotReadyAddresses: true\n", "", "publishes its pods before they are ready" },
        // Probes
        { Overlays.TinyCpu, "service: availability", "service: readiness", "a rollout would wait forever" },
        { Overlays.TinyCpu, "  minReadySeconds: 30\n", "", "minReadySeconds is missing" },
        { Overlays.TinyCpu, "service: availability", "service: ready", "asks for the service 'ready', which the program does not have" },
        { Overlays.TinyCpu, "            port: 50052\n            service: liveness", "            port: 50053\n            service: liveness", "not the declared health port" },
        { Overlays.TinyCpu, "path: /health/live", "path: /healthz", "asks for /healthz" },
        { Overlays.TinyCpu, "livenessProbe:\n          failureThreshold: 3\n          httpGet:\n            path: /health/live", "livenessProbe:\n          failureThreshold: 3\n          httpGet:\n            path: /health", "would restart what is loading" },
        { Overlays.TinyCpu, "        - --health-listen=0.0.0.0:50052\n", "", "is not told to serve health" },
        // Variables and arguments
        { Overlays.TinyCpu, "$(DEVICE)", "$(DEVISE)", "refers to $(DEVISE)" },
        { Overlays.TinyCpu, "  MODEL: /models", "  MODLE: /models", "refers to $(MODEL)" },
        { Overlays.TinyCpuMtls, "        - name: STAGE\n          valueFrom:\n            fieldRef:\n              fieldPath: metadata.labels['apps.kubernetes.io/pod-index']\n        - name: LINKS\n          value: --tls=/etc/pipeline/tls/stage-$(STAGE)\n", "        - name: LINKS\n          value: --tls=/etc/pipeline/tls/stage-$(STAGE)\n        - name: STAGE\n          valueFrom:\n            fieldRef:\n              fieldPath: metadata.labels['apps.kubernetes.io/pod-index']\n", "the value of LINKS refers to $(STAGE), which is not defined there" },
        { Overlays.LeaderWorkerSet, "configMapRef:\n              name: pipeline-", "configMapRef:\n              name: settings-", "there is no ConfigMap settings-" },
        { Overlays.TinyCpu, "apps.kubernetes.io/pod-index", "apps.kubernetes.io/pod-number", "wants a field" },
        { Overlays.TinyCpu, "--shutdown-timeout=30", "--shutdown-timeout=soon", "soon" },
        { Overlays.TinyCpu, "--workers-dns=", "--worker-dns=", "unknown option '--worker-dns" },
        { Overlays.TinyCpu, "--listen=0.0.0.0", "--lissten=0.0.0.0", "--lissten" },
        { Overlays.Bench, "--num-prompts=", "--prompts=", "unknown option '--prompts" },
        // Stages
        { Overlays.Mistral, "STAGES: \"4\"", "STAGES: \"5\"", "is told of 5 stages" },
        { Overlays.LeaderWorkerSet, "size: 5", "size: 4", "makes 3 pods" },
        { Overlays.TinyCpu, "--workers-dns=stage:50051", "--workers-dns=stages:50051", "looks for the stages at stages:50051" },
        // Volumes
        { Overlays.TinyCpu, "        - mountPath: /tmp\n          name: tmp\n", "        - mountPath: /tmp\n          name: temp\n", "mounts temp, which is no volume" },
        { Overlays.TinyCpu, "      - emptyDir: {}\n        name: cache\n", "      - emptyDir: {}\n        name: cache\n      - emptyDir: {}\n        name: spare\n", "nobody mounts the volume spare" },
        { Overlays.Mistral, "claimName: models", "claimName: model", "there is no PersistentVolumeClaim model" },
        { Overlays.Mistral, "          name: models\n          readOnly: true\n", "          name: models\n", "can be written to" },
        { Overlays.TinyCpuMtls, "secretName: coordinator-tls\n      -", "secretName: leader-tls\n      -", "nothing makes the Secret leader-tls" },
        // Resources
        { Overlays.TinyCpu, "          requests:\n            cpu: 250m\n", "          requests:\n", "requests no cpu" },
        { Overlays.TinyCpu, "          limits:\n            memory: 1Gi\n", "", "has no limit of memory" },
        { Overlays.TinyCpu, "            memory: 256Mi\n", "            memory: 256Gi\n", "more than its limit" },
        { Overlays.Mistral, "nvidia.com/gpu: \"1\"", "nvidia.com/gpu: 500m", "GPUs are whole" },
        { Overlays.Mistral, "            nvidia.com/gpu: \"1\"\n", "", "but gets 0 GPUs" },
        { Overlays.Mistral, "pipeline-stage-worker:dev-cuda", "pipeline-stage-worker:dev", "with the image" },
        { Overlays.Mistral, "terminationGracePeriodSeconds: 30\n      tolerations:\n      - effect: NoSchedule\n        key: nvidia.com/gpu\n", "terminationGracePeriodSeconds: 30\n      tolerations:\n      - effect: NoSchedule\n        key: gpu\n", "does not tolerate" },
        // Security
        { Overlays.TinyCpu, "runAsNonRoot: true", "runAsNonRoot: false", "runs neither as 1654" },
        { Overlays.TinyCpu, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "keeps privileges" },
        { Overlays.TinyCpu, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "could write to its root" },
        { Overlays.TinyCpu, "      automountServiceAccountToken: false\n", "", "carries a token" },
        { Overlays.TinyCpu, "      enableServiceLinks: false\n", "", "variables named after the Services" },
        { Overlays.Mixtral, "enforce: privileged", "enforce: restricted", "enforces the profile 'restricted'" },
        { Overlays.TinyCpu, "enforce: restricted", "enforce: baseline", "enforces the profile 'baseline'" },
        { Overlays.TinyCpu, "  policyTypes:\n  - Ingress\n  - Egress\n", "  policyTypes:\n  - Ingress\n", "no NetworkPolicy for both ways" },
        // Restarts
        { Overlays.TinyCpu, "podManagementPolicy: Parallel", "podManagementPolicy: OrderedReady", "stages wait for each other" },
        { Overlays.LeaderWorkerSet, "restartPolicy: None", "restartPolicy: RecreateGroupOnPodRestart", "takes the whole group along" },
        { Overlays.LeaderWorkerSet, "startupPolicy: LeaderCreated", "startupPolicy: LeaderReady", "wait for a coordinator" },
        { Overlays.TinyCpu, "type: Recreate", "type: RollingUpdate", "one coordinator at a time" },
        { Overlays.TinyCpu, "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 40", "40 s of grace" },
        { Overlays.TinyCpu, "terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 12", "12 s of grace" },
        // Certificates
        { Overlays.TinyCpuMtls, "  - spiffe://pipeline/stage/1\n", "  - spiffe://pipeline/stage/2\n", "says spiffe://pipeline/stage/2, not spiffe://pipeline/stage/1" },
        { Overlays.TinyCpuMtls, "  - spiffe://pipeline/coordinator\n", "  - spiffe://pipeline/leader\n", "not spiffe://pipeline/coordinator" },
        { Overlays.TinyCpuMtls, "path: stage-1/tls.key", "path: stage-1/key", "stage 1 does not find" },
        { Overlays.TinyCpuMtls, "value: --tls=/etc/pipeline/tls\n", "value: --insecure\n", "one side of the links" },
        { Overlays.TinyCpuMtls, "  - client auth\n", "", "not for both ends" },
        // Images
        { Overlays.TinyCpu, "pipeline-coordinator:dev", "pipeline-coordinator:latest", "has no tag that stays" },
        { Overlays.TinyCpu, "pipeline-coordinator:dev", "pipeline-leader:dev", "is not made here" },
        { Overlays.Mixtral, "pipeline-stage-worker:dev-cuda", "pipeline-stage-worker:dev", "several tags" },
    };

    [Theory]
    [MemberData(nameof(PlantedErrors))]
    public async Task PlantedError_IsComplainedOf(string folder, string text, string planted, string complaint)
    {
        var broken = ManifestSet.Load(folder, Replaced(await Kustomize.RenderAsync(folder), text, planted));

        Assert.Contains(AllRules.Complaints(broken), found => found.Contains(complaint, StringComparison.Ordinal));
    }

    /// <summary>What the loader sees by itself: these never reach the rules.</summary>
    [Theory]
    [InlineData(Overlays.TinyCpu, "  replicas: 2\n", "  replica: 2\n")]
    [InlineData(Overlays.TinyCpu, "  replicas: 2\n", "  replicas: two\n")]
    [InlineData(Overlays.TinyCpu, "memory: 2Gi", "memory: 2Zi")]
    [InlineData(Overlays.TinyCpu, "  replicas: 2\n", "  replicas: 2\n  replicas: 3\n")]
    [InlineData(Overlays.TinyCpu, "kind: StatefulSet", "kind: StatefullSet")]
    [InlineData(Overlays.LeaderWorkerSet, "startupPolicy", "startPolicy")]
    [InlineData(Overlays.LeaderWorkerSet, "terminationGracePeriodSeconds: 30", "terminationGraceSeconds: 30")]
    [InlineData(Overlays.TinyCpuMtls, "    rotationPolicy: Always\n", "    rotation: Always\n")]
    [InlineData(Overlays.TinyCpuMtls, "    interval: 15s\n", "    every: 15s\n")]
    public async Task BrokenDocument_IsNotLoaded(string folder, string text, string planted)
    {
        var rendered = await Kustomize.RenderAsync(folder);

        Assert.ThrowsAny<Exception>(() => ManifestSet.Load(folder, Replaced(rendered, text, planted)));
    }

    private static string Replaced(string rendered, string text, string planted)
    {
        var at = rendered.IndexOf(text, StringComparison.Ordinal);
        Assert.True(at >= 0, $"the manifest no longer has this text to replace: {text}");
        return string.Concat(rendered.AsSpan(0, at), planted, rendered.AsSpan(at + text.Length));
    }
}
