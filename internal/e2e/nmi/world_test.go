package nmi

import (
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

func TestANodeKnowsOfAChangeOnceItsLagIsOver(t *testing.T) {
	for _, lag := range []time.Duration{0, 3 * time.Second} {
		t.Run(lag.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{lag: lag, objects: map[string]entry{}, nodes: map[string]*credentialtest.Node{}}
				mine, other := credentialtest.NewNode(credentialtest.NodeState{}), credentialtest.NewNode(credentialtest.NodeState{})
				w.follow("mine", mine)
				w.follow("other", other)
				know := func(n *credentialtest.Node) bool { return len(n.PodsByIP("127.1.0.1")) == 1 }
				changes := func(name string, change func(), after bool) {
					change()
					if lag > 0 {
						time.Sleep(lag - time.Nanosecond)
						if know(mine) == after {
							t.Errorf("%s was known before the lag of %s was over", name, lag)
						}
						time.Sleep(time.Nanosecond)
					}
					if know(mine) != after {
						t.Errorf("%s was not known after the lag of %s", name, lag)
					}
				}
				pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "web-0"}, Spec: corev1.PodSpec{NodeName: "mine"},
					Status: corev1.PodStatus{PodIP: "127.1.0.1", Phase: corev1.PodRunning}}
				changes("a new pod", func() { w.put("pod/web/web-0", podEntry(pod)) }, true)
				if know(other) {
					t.Error("another node knows the pod")
				}
				late := credentialtest.NewNode(credentialtest.NodeState{})
				w.forget("mine")
				w.follow("mine", late)
				if !know(late) {
					t.Error("a node that comes later does not know what is there")
				}
				w.follow("mine", mine)
				changes("the pod's end", func() { w.drop("pod/web/web-0") }, false)
			})
		})
	}
}
