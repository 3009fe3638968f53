package controlplane

import (
	"fmt"
	"path/filepath"
	"runtime"
)

func (c *ControlPlane) file(name string) string { return filepath.Join(c.cfg.Dir, name) }

// thrifty is the environment of each program. Many control planes share a machine: a program has half of its processors, as spinning and
// collecting on all of them costs the others, and collects garbage seldom while it is small. It takes a quarter off what a cluster costs.
func thrifty() []string {
	return []string{fmt.Sprintf("GOMAXPROCS=%d", max(1, runtime.NumCPU()/2)), "GOGC=400", "GOMEMLIMIT=2GiB"}
}

// etcdArgs trades durability for speed: nothing here survives its process.
func (c *ControlPlane) etcdArgs() []string {
	client, peer := "http://"+c.etcd.String(), "http://"+c.peer.String()
	return []string{
		"--data-dir=" + c.file("etcd"), "--unsafe-no-fsync", "--socket-reuse-port=true", "--log-level=warn",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer,
		"--quota-backend-bytes=4294967296", "--backend-batch-interval=1s",
	}
}

func (c *ControlPlane) apiServerArgs() []string {
	args := []string{
		"--etcd-servers=http://" + c.etcd.String(),
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", c.api.Number), "--permit-port-sharing=true",
		"--tls-cert-file=" + c.file("apiserver.crt"), "--tls-private-key-file=" + c.file("apiserver.key"),
		"--token-auth-file=" + c.file("tokens.csv"), "--authorization-mode=RBAC",
		"--service-account-issuer=" + c.Issuer(), "--service-account-jwks-uri=" + c.Issuer() + "openid/v1/jwks",
		"--service-account-signing-key-file=" + c.keys[0], "--api-audiences=" + c.Issuer(),
		"--enable-admission-plugins=EventRateLimit", "--admission-control-config-file=" + c.file("admission.yaml"),
		"--allow-privileged=true", // as AKS: the migration sidecar's init container needs it
		"--service-cluster-ip-range=10.0.0.0/16", "--endpoint-reconciler-type=none",
		"--enable-priority-and-fairness=false", // nobody is to be fair to here; the limits below hold without
		"--max-requests-inflight=2000", "--max-mutating-requests-inflight=1000",
	}
	for _, k := range c.keys {
		args = append(args, "--service-account-key-file="+k)
	}
	return args
}

// controllerManagerArgs raise the client limits and shorten the autoscaler's period, so that load scripts are not waiting for defaults.
func (c *ControlPlane) controllerManagerArgs() []string {
	return []string{
		"--kubeconfig=" + c.Kubeconfig(), "--controllers=*,-node-ipam-controller", "--leader-elect=false", "--secure-port=0",
		"--root-ca-file=" + c.file("ca.crt"), "--kube-api-qps=500", "--kube-api-burst=1000",
		"--horizontal-pod-autoscaler-sync-period=3s",
	}
}

func (c *ControlPlane) schedulerArgs() []string {
	return []string{
		"--kubeconfig=" + c.Kubeconfig(), "--leader-elect=false", "--secure-port=0", "--kube-api-qps=1000", "--kube-api-burst=2000",
	}
}

// rolloutsArgs raise the client limits. Its servers for metrics and health can listen on all addresses only, so they get a port that cannot be
// had, and go without.
func (c *ControlPlane) rolloutsArgs() []string {
	return []string{
		"--kubeconfig=" + c.Kubeconfig(), "--leader-elect=false", "--metricsPort=-1", "--healthzPort=-1", "--qps=500", "--burst=1000",
	}
}

func (c *ControlPlane) kwokArgs() []string {
	return []string{
		"--kubeconfig=" + c.Kubeconfig(), "--manage-all-nodes=true", "--config=" + c.file("stages.yaml"),
		"--node-lease-duration-seconds=40",
	}
}
