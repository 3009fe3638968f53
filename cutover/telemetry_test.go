package cutover_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/wimigrate/wimigrate/cutover"
)

func TestTelemetryReadsWhatTheLastTokenSaysNotWhatIsIntended(t *testing.T) {
	const success = `"lastSuccess":"2026-01-01T00:00:00Z"`
	for _, tc := range []struct {
		name, page string
		want       cutover.PodPath
	}{
		{"a token from Entra is the new path", `{"path":"workloadIdentity","answeredBy":"entra","clientID":"c","taken":3,"failed":0,` + success + `}`,
			cutover.PodPath{Path: cutover.PathWorkloadIdentity, ClientID: "c", Taken: 3}},
		{"a token through the fallback is the old path, whatever the credential would like", `{"path":"workloadIdentity","answeredBy":"nmi","taken":1,` + success + `}`,
			cutover.PodPath{Path: cutover.PathPodIdentity, Taken: 1}},
		{"a token past NMI is the old path too", `{"path":"podIdentity","answeredBy":"imds","taken":1,` + success + `}`,
			cutover.PodPath{Path: cutover.PathPodIdentity, Taken: 1}},
		{"without a token nothing is known", `{"path":"workloadIdentity","clientID":"c","taken":0}`,
			cutover.PodPath{Path: cutover.PathUnknown, ClientID: "c"}},
		{"a wrapped credential is unknown", `{"path":"wrapped","answeredBy":"wrapped","taken":1,` + success + `}`,
			cutover.PodPath{Path: cutover.PathUnknown, Taken: 1}},
		{"failures keep their class", `{"path":"workloadIdentity","answeredBy":"entra","failures":2,"taken":1,"failed":1,"lastFailure":{"decision":"federation/none","codes":[70025],"meaning":"m"},` + success + `}`,
			cutover.PodPath{Path: cutover.PathWorkloadIdentity, Taken: 1, Failed: 1, LastError: "federation/none AADSTS70025"}},
		{"a page that is no status is unknown", `{"hello":1}`, cutover.PodPath{Path: cutover.PathUnknown, LastError: "status page cannot be understood"}},
		{"a page that is no JSON is unknown", `<html>`, cutover.PodPath{Path: cutover.PathUnknown, LastError: "status page cannot be understood"}},
		{"a page that cannot be read is unknown", "", cutover.PodPath{Path: cutover.PathUnknown, LastError: "status page cannot be read"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := &cutover.Telemetry{Status: func(_ context.Context, cluster, namespace, pod string) ([]byte, error) {
				if cluster != "c1" || namespace != "payments" || pod != "api-1" {
					t.Errorf("asked for %s %s %s", cluster, namespace, pod)
				}
				if tc.page == "" {
					return nil, errors.New("connection refused")
				}
				return []byte(tc.page), nil
			}}
			tc.want.Pod = "api-1"
			got, err := o.Pods(t.Context(), "c1", "payments", []string{"api-1"})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]cutover.PodPath{tc.want}, got); d != "" {
				t.Error(d)
			}
		})
	}
	t.Run("without NMI's metrics the old path is unknown", func(t *testing.T) {
		if _, err := (&cutover.Telemetry{}).OldPath(t.Context(), "c1", "payments"); err == nil {
			t.Error("no error")
		}
	})
}

func TestTelemetryClean(t *testing.T) {
	good := cutover.PodPath{Pod: "api-new-1", UID: "pod-uid", Path: cutover.PathWorkloadIdentity, ClientID: "ABCD", Taken: 1}
	with := func(change func(*cutover.PodPath)) []cutover.PodPath {
		p := good
		change(&p)
		return []cutover.PodPath{p}
	}
	for _, tc := range []struct {
		name string
		said []cutover.PodPath
		err  error
		want cutover.Result
		says string
	}{
		{"a pod whose tokens come from Entra passes", []cutover.PodPath{good}, nil, cutover.Pass, ""},
		{"an SDK that ignores the federation environment is caught", with(func(p *cutover.PodPath) { p.Path = cutover.PathPodIdentity }), nil, cutover.Fail, "old path"},
		{"another identity is caught", with(func(p *cutover.PodPath) { p.ClientID = "kubelet" }), nil, cutover.Fail, "those of kubelet"},
		{"a request without a token is caught", with(func(p *cutover.PodPath) { p.Failed, p.LastError = 1, "AADSTS700213" }), nil, cutover.Fail, "got no token (AADSTS700213)"},
		{"no token yet proves nothing", with(func(p *cutover.PodPath) { p.Taken = 0 }), nil, cutover.Inconclusive, "nobody knows"},
		{"an application without telemetry proves nothing", with(func(p *cutover.PodPath) { p.Path = cutover.PathUnknown }), nil, cutover.Inconclusive, "nobody knows"},
		{"a pod that nobody answers for proves nothing", nil, nil, cutover.Inconclusive, "nobody knows"},
		{"what another incarnation said proves nothing", with(func(p *cutover.PodPath) { p.UID = "former" }), nil, cutover.Inconclusive, "nobody knows"},
		{"an oracle that fails proves nothing", nil, errors.New("no route"), cutover.Inconclusive, "no route"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			target := apiTarget(readerFuncs{list: listing(t, apiPod("new", nil))})
			target.Revision = map[string]string{"Deployment/api": "new"}
			target.Oracle = oracleFuncs{pods: func([]string) ([]cutover.PodPath, error) { return tc.said, tc.err }}
			v := cutover.TelemetryClean()(t.Context(), target)
			if v.Result != tc.want || !strings.Contains(v.Reason, tc.says) {
				t.Errorf("%+v; want %s with %q", v, tc.want, tc.says)
			}
		})
	}
	t.Run("a workload without pods is inconclusive", func(t *testing.T) {
		target := apiTarget(readerFuncs{list: listing(t, []*corev1.Pod{}...)})
		target.Oracle = oracleFuncs{}
		if v := cutover.TelemetryClean()(t.Context(), target); v.Result != cutover.Inconclusive {
			t.Errorf("%+v", v)
		}
	})
}

func TestNewPathNeedsOneWitnessForAndNoneAgainst(t *testing.T) {
	says := func(r cutover.Result) cutover.Gate {
		return func(context.Context, cutover.Target) cutover.Verdict {
			return cutover.Verdict{Gate: "w", Result: r, Reason: "r"}
		}
	}
	for _, tc := range []struct {
		name      string
		witnesses []cutover.Gate
		want      cutover.Result
	}{
		{"one for it", []cutover.Gate{says(cutover.Inconclusive), says(cutover.Pass)}, cutover.Pass},
		{"one for it and one against it", []cutover.Gate{says(cutover.Pass), says(cutover.Fail)}, cutover.Fail},
		{"nobody saw enough", []cutover.Gate{says(cutover.Inconclusive), says(cutover.Inconclusive)}, cutover.Inconclusive},
		{"a witness without a verdict saw nothing", []cutover.Gate{says("")}, cutover.Inconclusive},
		{"no witness at all", nil, cutover.Inconclusive},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := cutover.NewPath(tc.witnesses...)(t.Context(), cutover.Target{})
			if v.Result != tc.want || v.Result != cutover.Pass && v.Reason == "" {
				t.Errorf("%+v, want %s", v, tc.want)
			}
		})
	}
}
