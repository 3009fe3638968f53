package federation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/federation"
)

func TestReadStateSaysWhatIsWrongAndKeepsTheRest(t *testing.T) {
	good := federation.State{"/id/a": {{Name: "n", Issuer: "i", Subject: "s", Audience: "a"}}, "app": {}}
	const a = `{"identity":"/ID/a","credentials":[{"name":"n","issuer":"i","subject":"s","audience":"a"}]}`
	for _, tc := range []struct {
		name, text string
		want       federation.State
		says       string
	}{
		{"letter case of identities means nothing, and an empty list is a list", `[` + a + `,{"identity":"APP","credentials":[]}]`, good, ""},
		{"a byte order mark means nothing", "\xef\xbb\xbf[" + a + `,{"identity":"app"}]`, good, ""},
		{"nothing is trusted yet", `[]`, federation.State{}, ""},
		{"an identity listed twice is an error; its first list stays", `[` + a + `,{"identity":"app"},{"identity":"App"}]`, good, "entry 2: App is listed twice"},
		{"an entry without an identity is an error", `[` + a + `,{"credentials":[]},{"identity":"app"}]`, good, "entry 1 names no identity"},
		{"an unknown key is an error", `[{"identity":"x","fics":[]}]`, nil, `unknown field "fics"`},
		{"a wrong type is an error", `{"identity":"x"}`, nil, "byte"},
		{"more after the list is an error", `[] []`, nil, "more after the list"},
		{"a truncated file is an error", `[` + a, nil, "unexpected EOF"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := federation.ReadState([]byte(tc.text))
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v, want one with %q", err, tc.says)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func FuzzReadState(f *testing.F) {
	f.Add([]byte(`[{"identity":"/ID/a","credentials":[{"name":"n","issuer":"i","subject":"s","audience":"a"}]}]`))
	f.Add([]byte(`[{"identity":""}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		state, err := federation.ReadState(text)
		if err != nil {
			return
		}
		again, err := state.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := federation.ReadState(again)
		if d := cmp.Diff(state, back); d != "" || err != nil {
			t.Errorf("%v\n%s", err, d)
		}
	})
}

func ExampleReadState() {
	state, err := federation.ReadState([]byte(`[{"identity": "/subscriptions/S/…/id-api", "credentials": [
		{"name": "by-hand", "issuer": "https://issuer/", "subject": "system:serviceaccount:payments:api", "audience": "api://AzureADTokenExchange"}]}]`))
	fmt.Println(state["/subscriptions/s/…/id-api"][0].Subject, err)
	// Output: system:serviceaccount:payments:api <nil>
}

func ExampleState_Encode() {
	out, err := federation.State{"/id/a": nil}.Encode()
	fmt.Println(string(out), err)
	// Output:
	// [
	//   {
	//     "identity": "/id/a",
	//     "credentials": []
	//   }
	// ]
	//  <nil>
}
