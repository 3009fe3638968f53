// Package workload is what a pod of a test fleet runs: a small program that takes tokens in a loop, as an application would, and reports
// every one. The kubelet's double starts it with the environment of the real, webhook-mutated pod.
package workload

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// ImagePrefix marks containers that really run: an image of this prefix, whatever its tag. Others exist in the API only.
const ImagePrefix = "wimigrate.test/workload"

// Credentials that a workload can use, as values of [EnvCredential].
const (
	// Wimigrate is this project's credential, readiness first. It is the default.
	Wimigrate = "wimigrate"
	// Azidentity is the bare SDK: WorkloadIdentityCredential when the pod carries its environment, else ManagedIdentityCredential.
	Azidentity = "azidentity"
	// ManagedIdentity is the bare SDK's ManagedIdentityCredential, whatever the pod carries: an application that only knows IMDS.
	ManagedIdentity = "managedIdentity"
)

// Environment that a pod template may set.
const (
	// EnvCredential chooses the credential.
	EnvCredential = "WORKLOAD_CREDENTIAL"
	// EnvClientID is the client ID in the application's own configuration, used where the webhook injected none.
	EnvClientID = "WORKLOAD_CLIENT_ID"
	// EnvScopes are the scopes to take tokens for, separated by commas.
	EnvScopes = "WORKLOAD_SCOPES"
	// EnvPeriod is the pause between rounds; default 1 s.
	EnvPeriod = "WORKLOAD_PERIOD"
	// EnvOnce, when set to anything, ends the program after one round: for init containers.
	EnvOnce = "WORKLOAD_ONCE"
)

// Environment that the kubelet's double adds, for what a process on a shared machine cannot have otherwise.
const (
	// EnvPodIP is the pod's address: requests to the metadata service leave from there, and the status page listens there.
	EnvPodIP = "WORKLOAD_POD_IP"
	// EnvMetadata is where connections to 169.254.169.254 really go, in place of iptables rules: the node's gateway or the pod's sidecar.
	EnvMetadata = "WORKLOAD_METADATA"
)

// Config is a workload's configuration.
type Config struct {
	Credential string
	ClientID   string
	Scopes     []string
	Period     time.Duration
	Once       bool
	PodIP      string
	Metadata   string
}

// FromEnvironment reads the process's environment. A client ID that the webhook injected wins over the application's own.
func FromEnvironment() (Config, error) {
	c := Config{
		Credential: or(os.Getenv(EnvCredential), Wimigrate), ClientID: or(os.Getenv("AZURE_CLIENT_ID"), os.Getenv(EnvClientID)),
		Scopes: strings.Split(or(os.Getenv(EnvScopes), "https://vault.azure.net/.default"), ","),
		Once:   os.Getenv(EnvOnce) != "", PodIP: os.Getenv(EnvPodIP), Metadata: os.Getenv(EnvMetadata),
	}
	period, err := time.ParseDuration(or(os.Getenv(EnvPeriod), "1s"))
	if err != nil || period <= 0 {
		return Config{}, fmt.Errorf("workload: %s=%q is not a positive duration", EnvPeriod, os.Getenv(EnvPeriod))
	}
	c.Period = period
	return c, nil
}

func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
