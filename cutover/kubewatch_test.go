package cutover_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
)

var watchedPods = []cutover.Selection{{APIVersion: "v1", Kind: "Pod", Namespace: "shop"}}

// What the API server does to a watch, and what its reader hears: "+a@3" for an object that is there, "-a" for one that is gone.
func TestAWatchOfARealClusterSaysWhatItMayHaveMissed(t *testing.T) {
	for _, tc := range []struct {
		name string
		kind apiKind
		want string
		from string // the resource versions that watches began at
	}{
		{"a 410 in the stream is a gap, and what was deleted in it is not told again", apiKind{
			lists: []apiReply{{version: 5, objects: "a@3 b@4"}, {version: 9, objects: "b@4 c@8"}}, watches: []apiReply{{events: "ERROR"}},
		}, "+a@3 +b@4 synced gap +b@4 +c@8 synced", "5 9"},
		{"a 410 in answer to the watch is one as well", apiKind{
			lists: []apiReply{{version: 5, objects: "a@3"}, {version: 9, objects: "b@8"}}, watches: []apiReply{{code: 410}},
		}, "+a@3 synced gap +b@8 synced", "5 9"},
		{"a watch that the server closes goes on where it was, without a gap", apiKind{
			lists: []apiReply{{version: 5, objects: "a@3"}}, watches: []apiReply{{events: "MODIFIED:a@6"}, {events: "ADDED:b@7"}, {events: "DELETED:a@8"}},
		}, "+a@3 synced +a@6 +b@7 -a", "5 6 7 8"},
		{"bookmarks are where it goes on, and are not told", apiKind{
			lists: []apiReply{{version: 5, objects: "a@3"}}, watches: []apiReply{{events: "BOOKMARK:x@50"}, {events: "BOOKMARK:x@70"}},
		}, "+a@3 synced", "5 50 70"},
		{"a bookmark without a version does not start it over", apiKind{
			lists: []apiReply{{version: 5, objects: "a@3"}}, watches: []apiReply{{events: "BOOKMARK:x@"}},
		}, "+a@3 synced", "5 5"},
		{"an event that comes twice is told twice, and nothing is lost by it", apiKind{
			lists: []apiReply{{version: 5, objects: "a@3"}}, watches: []apiReply{{events: "ADDED:b@6 ADDED:b@6 MODIFIED:a@7"}},
		}, "+a@3 synced +b@6 +b@6 +a@7", "5 7"},
		{"a list whose next page has expired is begun anew", apiKind{
			lists: []apiReply{{version: 5, objects: "a@3", more: true}, {code: 410}, {version: 9, objects: "b@8"}},
		}, "+b@8 synced", "9"},
		{"a server that is restarting is asked again", apiKind{
			lists: []apiReply{{code: 503}, {version: 5, objects: "a@3"}}, watches: []apiReply{{code: 503}, {events: "ADDED:b@6"}},
		}, "+a@3 synced +b@6", "5 5 6"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &apiDouble{kinds: map[string]*apiKind{"pods": &tc.kind}}
				told := watchFor(t, api, watchedPods, time.Minute)
				if got := strings.Join(told, " "); got != tc.want {
					t.Errorf("told %q, want %q", got, tc.want)
				}
				if got := strings.Join(tc.kind.from, " "); got != tc.from {
					t.Errorf("watches began at %q, want %q", got, tc.from)
				}
			})
		})
	}
}

// watchFor watches for a while, and returns what it was told.
func watchFor(t *testing.T, api *apiDouble, sels []cutover.Selection, during time.Duration) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	var told []string
	err := api.cluster(t).Watch(ctx, sels, func(e cutover.WatchEvent) bool {
		switch e.Type {
		case cutover.Present:
			told = append(told, "+"+e.Object.GetName()+"@"+e.Object.GetResourceVersion())
		case cutover.Gone:
			told = append(told, "-"+e.Object.GetName())
		case cutover.Gap, cutover.Synced:
			told = append(told, string(e.Type))
		}
		return true
	})
	if ctx.Err() == nil {
		t.Errorf("the watch ended by itself: %v", err)
	}
	return told
}

// A server that ends every watch at once must not be asked in a tight circle: neither by a list and an expired watch in turn, nor by watches
// alone.
func TestAServerThatEndsEveryWatchIsAskedSlowly(t *testing.T) {
	for name, ends := range map[string]apiReply{"with an error event": {events: "ERROR"}, "with 410": {code: 410}, "without a word": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kind := &apiKind{lists: []apiReply{{version: 5, objects: "a@3"}}, always: &ends}
				watchFor(t, &apiDouble{kinds: map[string]*apiKind{"pods": kind}}, watchedPods, 10*time.Minute)
				if asked := kind.listed + len(kind.from); asked < 10 || asked > 620 {
					t.Errorf("asked %d times in ten minutes, want some, and not more than once a second", asked)
				}
			})
		})
	}
}

// After a restart of the API server the watches of several kinds expire together, and one does so while another is still being listed
// again. What was deleted meanwhile must not stay with the caller.
func TestAGapWhileAnotherKindIsListedAgainLeavesNoPhantoms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pods := &apiKind{lists: []apiReply{{version: 5, objects: "pod@3"}, {version: 9, objects: "pod@3", after: 20 * time.Second}},
			watches: []apiReply{{events: "ERROR", after: time.Second}}}
		jobs := &apiKind{lists: []apiReply{{version: 5, objects: "done@2 job@4"}, {version: 9, objects: "job@4"}},
			watches: []apiReply{{events: "ERROR", after: 10 * time.Second}}} // while the pods are being listed
		api := &apiDouble{kinds: map[string]*apiKind{"pods": pods, "jobs": jobs}}
		there := map[string]bool{}
		var atSync []string
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := api.cluster(t).Watch(ctx, append(watchedPods, cutover.Selection{APIVersion: "batch/v1", Kind: "Job", Namespace: "shop"}), func(e cutover.WatchEvent) bool {
			switch e.Type {
			case cutover.Present:
				there[e.Object.GetKind()+"/"+e.Object.GetName()] = true
			case cutover.Gone:
				delete(there, e.Object.GetKind()+"/"+e.Object.GetName())
			case cutover.Gap:
				clear(there)
			case cutover.Synced:
				atSync = append(atSync, fmt.Sprint(there))
			}
			return true
		})
		if ctx.Err() == nil {
			t.Fatal(err)
		}
		want := []string{"map[Job/done:true Job/job:true Pod/pod:true]", "map[Job/job:true Pod/pod:true]"}
		if d := cmp.Diff(want, atSync); d != "" {
			t.Error(d)
		}
	})
}
