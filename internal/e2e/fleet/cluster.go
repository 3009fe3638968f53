package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/wimigrate/wimigrate/internal/e2e/controlplane"
	"github.com/wimigrate/wimigrate/internal/e2e/crds"
	"github.com/wimigrate/wimigrate/internal/e2e/fault"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/e2e/mic"
	"github.com/wimigrate/wimigrate/internal/e2e/nmi"
	"github.com/wimigrate/wimigrate/internal/e2e/nodes"
	"github.com/wimigrate/wimigrate/internal/e2e/objects"
	"github.com/wimigrate/wimigrate/internal/e2e/ports"
	"github.com/wimigrate/wimigrate/internal/e2e/process"
	"github.com/wimigrate/wimigrate/internal/e2e/serve"
	"github.com/wimigrate/wimigrate/internal/e2e/webhook"
)

// Cluster is one running cluster and the doubles around it. Fields of what the Spec leaves out are nil.
type Cluster struct {
	Name, Region string
	// Plane is the control plane; Client and Objects are clients of its administrator.
	Plane   *controlplane.ControlPlane
	Client  kubernetes.Interface
	Objects *objects.Client
	// Nodes adds and removes nodes.
	Nodes *nodes.Pool
	// Faults breaks what goes through FaultyREST.
	Faults *fault.Injector
	// NMI and MIC are the old world, Webhook is the new one, Kubelet runs the pods.
	NMI     *nmi.Agents
	MIC     *mic.Controller
	Webhook *webhook.Webhook
	Kubelet *kubelet.Kubelet

	generation int
	stopped    bool
	fleet      *Fleet
	proxy      *serve.Server
	subnet     *ports.Subnet
	group      *process.Group
	cancel     context.CancelFunc
	core       informers.SharedInformerFactory
	custom     dynamicinformer.DynamicSharedInformerFactory
}

// startCluster starts the i-th cluster. Generations count rebuilds.
func (f *Fleet) startCluster(ctx context.Context, spec ClusterSpec, i, generation int) (*Cluster, error) {
	c := &Cluster{Name: spec.Name, Region: spec.Region, generation: generation, fleet: f}
	if err := c.start(ctx, spec, i); err != nil {
		return nil, errors.Join(fmt.Errorf("fleet: start cluster %s: %w", spec.Name, err), c.stop())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, spec ClusterSpec, i int) error {
	f := c.fleet
	dir := f.file(fmt.Sprintf("%s-%d", spec.Name, c.generation))
	var err error
	if c.subnet, err = ports.ReserveSubnet(i * 17); err != nil {
		return err
	}
	c.Plane, err = controlplane.Start(ctx, controlplane.Config{
		Name: spec.Name, Dir: dir, Programs: f.programs, Authority: f.Authority, JobSeconds: f.spec.JobSeconds})
	if err != nil {
		return err
	}
	typed := c.REST()
	typed.AcceptContentTypes, typed.ContentType = runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON, runtime.ContentTypeProtobuf // as Kubernetes' own
	if c.Client, err = kubernetes.NewForConfig(typed); err != nil {
		return err
	}
	if c.Objects, err = objects.NewClient(c.REST()); err != nil {
		return err
	}
	if err := c.startProxy(uint64(i)); err != nil {
		return err
	}
	c.Nodes = nodes.NewPool(c.Client, c.subnet, spec.Region)
	c.group = process.NewGroup(dir)
	if !f.spec.NoPodIdentity {
		if err := crds.Install(ctx, c.Objects); err != nil {
			return err
		}
	}
	if f.spec.Rollouts {
		if err := crds.Define(ctx, c.Objects, f.rollouts...); err != nil {
			return err
		}
		if err := c.Plane.RunRollouts(); err != nil {
			return err
		}
	}
	if err := c.surround(context.WithoutCancel(ctx), dir); err != nil {
		return err
	}
	return c.populate(ctx, spec)
}

// surround makes the doubles and the informers they share. The context must not end before the cluster does.
func (c *Cluster) surround(ctx context.Context, dir string) error {
	f := c.fleet
	life, cancel := context.WithCancel(ctx)
	c.cancel = cancel
	c.core = informers.NewSharedInformerFactory(c.Client, 0)
	c.custom = dynamicinformer.NewDynamicSharedInformerFactory(c.Objects, 0)
	gateway := func(string) string { return "127.0.0.1:1" } // nothing listens: without the old world there is no metadata service
	if !f.spec.NoPodIdentity {
		if err := c.oldWorld(life); err != nil {
			return err
		}
		gateway = c.NMI.Gateway
	}
	if !f.spec.NoWebhook {
		var err error
		c.Webhook, err = webhook.Start(webhook.Config{
			Cluster: c.Name, Client: c.Client, ServiceAccounts: c.core.Core().V1().ServiceAccounts().Informer(), Authority: f.Authority,
			TenantID: tenantID, AuthorityHost: f.Azure.EntraURL, Behaviour: f.spec.Webhook, Logger: f.spec.Logger})
		if err != nil {
			return err
		}
	}
	var err error
	c.Kubelet, err = kubelet.New(life, kubelet.Config{
		Cluster: c.Name, Client: c.Client, Pods: c.core.Core().V1().Pods().Informer(), Group: c.group, Dir: filepath.Join(dir, "pods"),
		Program: f.workload, Environment: []string{"SSL_CERT_FILE=" + f.file("ca.crt"), "GOMAXPROCS=1"}, Gateway: gateway,
		RotateEvery: f.spec.RotateTokens, BackOff: f.spec.CrashBackOff, Logger: f.spec.Logger})
	if err != nil {
		return err
	}
	c.core.Start(life.Done())
	c.custom.Start(life.Done())
	c.core.WaitForCacheSync(life.Done())
	c.custom.WaitForCacheSync(life.Done())
	return nil
}

func (c *Cluster) oldWorld(life context.Context) error {
	f := c.fleet
	kubelet, err := f.Azure.Identity(life, f.Azure.Ensure("MC_"+c.Name, c.Name+"-agentpool", c.Region).ClientID)
	if err != nil {
		return err
	}
	c.NMI, err = nmi.New(life, nmi.Config{Cluster: c.Name, Core: c.core, Custom: c.custom, Entra: f.Azure.Entra,
		Kubelet: kubelet, Options: f.spec.NMI, Logger: f.spec.Logger})
	if err != nil || f.spec.NMI.NMI.Managed {
		return err // managed mode has no MIC
	}
	c.MIC, err = mic.New(life, mic.Config{Cluster: c.Name, Client: c.Objects, Core: c.core, Custom: c.custom,
		Identity: f.Azure.Identity, Machines: c.NMI, AssignDelay: max(0, f.spec.AssignDelay), Logger: f.spec.Logger})
	return err
}

// REST returns a configuration of the administrator that the caller may change.
func (c *Cluster) REST() *rest.Config { return c.Plane.RESTConfig() }

// FaultyREST is REST through a proxy that does to requests what Faults is told; at first nothing.
func (c *Cluster) FaultyREST() *rest.Config {
	cfg := c.REST()
	cfg.Host = c.proxy.URL
	return cfg
}

func (c *Cluster) startProxy(seed uint64) error {
	to, err := url.Parse(c.REST().Host)
	if err != nil {
		return err
	}
	c.Faults = fault.New(seed)
	c.proxy, err = serve.TLS(c.fleet.Authority, "fault proxy", c.Faults.Wrap(fault.Proxy(to, c.fleet.Authority.Pool())))
	return err
}

// Issuer is the issuer of the cluster's service-account tokens.
func (c *Cluster) Issuer() string { return c.Plane.Issuer() }

// Reports returns the latest report of every container that ever ran in the cluster.
func (c *Cluster) Reports() []kubelet.PodReport { return c.Kubelet.Reports() }

// stop ends what runs, pods first, and waits for it. Stopping again does nothing.
func (c *Cluster) stop() error {
	if c.stopped {
		return nil
	}
	c.stopped = true
	var errs []error
	if c.Kubelet != nil {
		c.Kubelet.Close()
	}
	if c.group != nil {
		errs = append(errs, c.group.Close())
	}
	if c.MIC != nil {
		c.MIC.Close()
	}
	if c.NMI != nil {
		c.NMI.Close()
	}
	if c.Webhook != nil {
		c.Webhook.Close()
	}
	if c.cancel != nil {
		c.cancel()
		c.core.Shutdown()
		c.custom.Shutdown()
	}
	if c.proxy != nil {
		c.proxy.Close()
	}
	if c.Plane != nil {
		errs = append(errs, c.Plane.Stop())
	}
	if c.subnet != nil {
		errs = append(errs, c.subnet.Close())
	}
	return errors.Join(errs...)
}
