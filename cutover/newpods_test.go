package cutover_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wimigrate/wimigrate/cutover"
)

type exchangerFunc func(cutover.ExchangeRequest) (cutover.Claims, error)

func (f exchangerFunc) Exchange(_ context.Context, r cutover.ExchangeRequest) (cutover.Claims, error) {
	return f(r)
}

// apiPod is a healthy pod of Deployment api, born from the template with the hash.
func apiPod(hash string, change func(*corev1.Pod)) *corev1.Pod {
	yes := true
	pod := injectedPod(false, nil)
	pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	pod.Namespace, pod.Name, pod.UID = "payments", "api-"+hash+"-1", "pod-uid"
	pod.Labels = map[string]string{"pod-template-hash": hash}
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "api-" + hash, UID: "rs-uid", Controller: &yes}}
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
	if change != nil {
		change(pod)
	}
	return pod
}

func listing(t *testing.T, pods ...*corev1.Pod) func(cutover.Selection) ([]*unstructured.Unstructured, error) {
	return func(s cutover.Selection) ([]*unstructured.Unstructured, error) {
		if s.Kind == "ReplicaSet" {
			return []*unstructured.Unstructured{{Object: map[string]any{"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": map[string]any{
				"namespace": "payments", "name": "api-new", "uid": "rs-uid", "ownerReferences": []any{map[string]any{
					"apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "uid": "d-uid", "controller": true}}}}}}, nil
		}
		var out []*unstructured.Unstructured
		for _, p := range pods {
			out = append(out, asUnstructured(t, p))
		}
		return out, nil
	}
}

func TestNewPods(t *testing.T) {
	now := metav1.NewTime(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC))
	restarted := func(after time.Duration) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", RestartCount: 1, LastTerminationState: corev1.ContainerState{
				Terminated: &corev1.ContainerStateTerminated{StartedAt: now, FinishedAt: metav1.NewTime(now.Add(after)), ExitCode: 1, Reason: "Error"}}}}
		}
	}
	good := func(cutover.ExchangeRequest) (cutover.Claims, error) { return cutover.Claims{AppID: "ABCD"}, nil }
	for _, tc := range []struct {
		name     string
		pods     []*corev1.Pod
		exchange func(cutover.ExchangeRequest) (cutover.Claims, error)
		canary   int
		want     cutover.Result
		hold     cutover.Hold
		says     string
	}{
		{"a healthy pod that can become its identity passes", []*corev1.Pod{apiPod("new", nil)}, good, 0, cutover.Pass, "", ""},
		{"no pod at all is never verified", nil, good, 0, cutover.Inconclusive, cutover.HoldLoad, "there is none"},
		{"a pod of the older template is not yet judged", []*corev1.Pod{apiPod("new", nil), apiPod("old", nil)}, good, 0, cutover.Inconclusive, "", "an older one"},
		{"older pods beside a canary are as they should be", []*corev1.Pod{apiPod("new", nil), apiPod("old", nil)}, good, 1, cutover.Pass, "", ""},
		{"a terminating pod does not count", []*corev1.Pod{apiPod("new", func(p *corev1.Pod) { p.DeletionTimestamp = &now })}, good, 0, cutover.Inconclusive, cutover.HoldLoad, "there is none"},
		{"a pod that was not injected fails", []*corev1.Pod{apiPod("new", func(p *corev1.Pod) { p.Spec.Containers[0].Env = nil })}, good, 0, cutover.Fail, "", "AZURE_CLIENT_ID is missing"},
		{"a container that died young fails", []*corev1.Pod{apiPod("new", restarted(3*time.Second))}, good, 0, cutover.Fail, "", "ended after 3s"},
		{"a restart after a calm hour is somebody else's news", []*corev1.Pod{apiPod("new", restarted(time.Hour))}, good, 0, cutover.Pass, "", ""},
		{"a pod that is not Ready is not yet judged", []*corev1.Pod{apiPod("new", func(p *corev1.Pod) { p.Status.Conditions = nil })}, good, 0, cutover.Inconclusive, "", "not Ready"},
		{"Entra's refusal fails, and the assertion stays secret", []*corev1.Pod{apiPod("new", nil)}, func(r cutover.ExchangeRequest) (cutover.Claims, error) {
			return cutover.Claims{}, errors.New("AADSTS700213: no match for " + r.Assertion)
		}, 0, cutover.Fail, "", "AADSTS700213: no match for (token)"},
		{"another identity fails", []*corev1.Pod{apiPod("new", nil)}, func(cutover.ExchangeRequest) (cutover.Claims, error) {
			return cutover.Claims{AppID: "kubelet"}, nil
		}, 0, cutover.Fail, "", "another identity: kubelet"},
		{"without an exchanger nothing is proven", []*corev1.Pod{apiPod("new", nil)}, nil, 0, cutover.Inconclusive, "", "no Exchanger"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := readerFuncs{list: listing(t, tc.pods...), token: func(r cutover.TokenRequest) (string, error) {
				if r.Pod.UID != "pod-uid" || r.Audience != "api://AzureADTokenExchange" {
					t.Errorf("token request %+v", r)
				}
				return "secret-assertion", nil
			}}
			target := apiTarget(r)
			target.Revision = map[string]string{"Deployment/api": "new"}
			target.Canary = tc.canary
			if tc.exchange != nil {
				target.Exchanger = exchangerFunc(tc.exchange)
			}
			v := cutover.NewPods(-1)(t.Context(), target)
			if v.Result != tc.want || v.Hold != tc.hold || !strings.Contains(v.Reason, tc.says) || strings.Contains(v.Reason, "secret-assertion") {
				t.Errorf("%+v; want %s (%s) with %q", v, tc.want, tc.hold, tc.says)
			}
		})
	}
	t.Run("pods that cannot be read are inconclusive", func(t *testing.T) {
		target := apiTarget(readerFuncs{list: func(cutover.Selection) ([]*unstructured.Unstructured, error) { return nil, errors.New("timeout") }})
		if v := cutover.NewPods(-1)(t.Context(), target); v.Result != cutover.Inconclusive {
			t.Errorf("%+v", v)
		}
	})
}

// bornAt is a pod that has been Ready since an instant; its UID is its name.
func bornAt(name string, ready time.Time, change func(*corev1.Pod)) *corev1.Pod {
	return apiPod("new", func(p *corev1.Pod) {
		p.Name, p.UID = name, types.UID(name)
		p.Status.Conditions[0].LastTransitionTime = metav1.NewTime(ready)
		if change != nil {
			change(p)
		}
	})
}

func TestNewPodsWaitsUntilNewPodsHaveBeenCalm(t *testing.T) {
	died := func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", RestartCount: 1, LastTerminationState: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{StartedAt: metav1.Now(), FinishedAt: metav1.NewTime(time.Now().Add(40 * time.Second)), ExitCode: 1}}}}
	}
	for _, tc := range []struct {
		name string
		calm time.Duration
		// pods are those at the first look, later those at any other.
		pods, later func(now time.Time) []*corev1.Pod
		want        cutover.Result
		says        string
		took        time.Duration
	}{
		{"a pod that is seconds old is waited for", 0, func(now time.Time) []*corev1.Pod { return []*corev1.Pod{bornAt("a", now.Add(-2*time.Second), nil)} }, nil,
			cutover.Pass, "", time.Minute},
		{"not one that has long been up", 0, func(now time.Time) []*corev1.Pod { return []*corev1.Pod{bornAt("a", now.Add(-3*time.Minute), nil)} }, nil, cutover.Pass, "", 0},
		{"a status that is not much older may be the work of another clock", 0, func(now time.Time) []*corev1.Pod {
			return []*corev1.Pod{bornAt("a", now.Add(-90*time.Second), nil)}
		}, nil, cutover.Pass, "", time.Minute},
		{"and one without a time is waited for", 0, func(time.Time) []*corev1.Pod { return []*corev1.Pod{bornAt("a", time.Time{}, nil)} }, nil, cutover.Pass, "", time.Minute},
		{"a container that ends before it was calm is seen", 0, func(now time.Time) []*corev1.Pod { return []*corev1.Pod{bornAt("a", now, nil)} },
			func(now time.Time) []*corev1.Pod { return []*corev1.Pod{bornAt("a", now, died)} }, cutover.Fail, "container app ended after 40s", time.Minute},
		{"so it is where less calm is asked for", time.Second, func(now time.Time) []*corev1.Pod { return []*corev1.Pod{bornAt("a", now, nil)} },
			func(now time.Time) []*corev1.Pod { return []*corev1.Pod{bornAt("a", now, died)} }, cutover.Fail, "container app ended after 40s", time.Second},
		{"pods that are born meanwhile are not waited for: under load there would be no end", 0, func(now time.Time) []*corev1.Pod { return []*corev1.Pod{bornAt("a", now, nil)} },
			func(now time.Time) []*corev1.Pod {
				return []*corev1.Pod{bornAt("a", now, nil), bornAt("b", now.Add(time.Minute), nil)}
			}, cutover.Pass, "", time.Minute},
		{"but they are judged", 0, func(now time.Time) []*corev1.Pod { return []*corev1.Pod{bornAt("a", now, nil)} },
			func(now time.Time) []*corev1.Pod {
				return []*corev1.Pod{bornAt("a", now, nil), bornAt("b", now.Add(time.Minute), func(p *corev1.Pod) { p.Spec.Containers[0].Env = nil })}
			}, cutover.Fail, "AZURE_CLIENT_ID is missing", time.Minute},
		{"what is missing beside calm is not waited for", 0, func(now time.Time) []*corev1.Pod {
			return []*corev1.Pod{bornAt("a", now, nil), bornAt("b", now, func(p *corev1.Pod) { p.Status.Conditions = nil })}
		}, nil, cutover.Inconclusive, "not Ready", 0},
		{"no calm is waited for where none is asked for", -1, func(now time.Time) []*corev1.Pod { return []*corev1.Pod{bornAt("a", now, nil)} }, nil, cutover.Pass, "", 0},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			began, pods := time.Now(), tc.pods
			r := readerFuncs{token: func(cutover.TokenRequest) (string, error) { return "assertion", nil }}
			r.list = func(s cutover.Selection) ([]*unstructured.Unstructured, error) {
				found, err := listing(t, pods(began)...)(s)
				if s.Kind == "Pod" && tc.later != nil {
					pods = tc.later
				}
				return found, err
			}
			target := apiTarget(r)
			target.Revision = map[string]string{"Deployment/api": "new"}
			target.Exchanger = exchangerFunc(func(cutover.ExchangeRequest) (cutover.Claims, error) { return cutover.Claims{AppID: "abcd"}, nil })
			v := cutover.NewPods(tc.calm)(t.Context(), target)
			if v.Result != tc.want || !strings.Contains(v.Reason, tc.says) || time.Since(began) != tc.took {
				t.Errorf("after %s: %+v; want %s with %q after %s", time.Since(began), v, tc.want, tc.says, tc.took)
			}
		})
	}
	bubble(t, "asked again, it waits only for what it has not seen for so long", func(t *testing.T) {
		began := time.Now()
		ready := []*corev1.Pod{bornAt("a", began, nil), bornAt("b", began, func(p *corev1.Pod) { p.Status.Conditions = nil })}
		r := readerFuncs{token: func(cutover.TokenRequest) (string, error) { return "assertion", nil }}
		r.list = func(s cutover.Selection) ([]*unstructured.Unstructured, error) { return listing(t, ready...)(s) }
		target := apiTarget(r)
		target.Revision = map[string]string{"Deployment/api": "new"}
		target.Exchanger = exchangerFunc(func(cutover.ExchangeRequest) (cutover.Claims, error) { return cutover.Claims{AppID: "abcd"}, nil })
		gate := cutover.NewPods(0)
		if v := gate(t.Context(), target); v.Result != cutover.Inconclusive || time.Since(began) != 0 {
			t.Fatalf("a pod that is not Ready: %+v after %s", v, time.Since(began))
		}
		time.Sleep(40 * time.Second)
		ready = ready[:1]
		if v := gate(t.Context(), target); v.Result != cutover.Pass || time.Since(began) != time.Minute {
			t.Errorf("%+v after %s, want a minute in all", v, time.Since(began))
		}
	})
}
