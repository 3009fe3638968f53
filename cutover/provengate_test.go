package cutover_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
)

func TestTrustProven(t *testing.T) {
	const wi = "https://eastus.oic.prod-aks.azure.com/t/g/"
	start := func() func() time.Duration { s := time.Now(); return func() time.Duration { return time.Since(s) } }
	for _, tc := range []struct {
		name     string
		exchange func(since time.Duration) (cutover.Claims, error)
		want     cutover.Result
		says     string
	}{
		{"trust that works is proven", func(time.Duration) (cutover.Claims, error) { return cutover.Claims{AppID: "abcd", TenantID: "t"}, nil }, cutover.Pass, ""},
		{"propagation is waited out", func(since time.Duration) (cutover.Claims, error) {
			if since < 4*time.Minute {
				return cutover.Claims{}, errors.New("AADSTS700213")
			}
			return cutover.Claims{AppID: "abcd", TenantID: "t"}, nil
		}, cutover.Pass, ""},
		{"trust that never works fails", func(time.Duration) (cutover.Claims, error) { return cutover.Claims{}, errors.New("AADSTS700211") }, cutover.Fail, "AADSTS700211"},
		{"another identity fails", func(time.Duration) (cutover.Claims, error) { return cutover.Claims{AppID: "other", TenantID: "t"}, nil }, cutover.Fail, "another identity"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				since := start()
				target := apiTarget(readerFuncs{token: func(r cutover.TokenRequest) (string, error) {
					claims := fmt.Sprintf(`{"iss":%q,"sub":"system:serviceaccount:payments:api","aud":["api://AzureADTokenExchange"]}`, wi)
					return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln", nil
				}})
				target.Plan = &cutover.Plan{Clusters: []cutover.PlanCluster{{Name: "c1", Issuer: wi}}}
				target.Unit.Accounts[0].Identity.TenantID = "t"
				target.Exchanger = exchangerFunc(func(cutover.ExchangeRequest) (cutover.Claims, error) { return tc.exchange(since()) })
				v := cutover.TrustProven(nil)(t.Context(), target)
				if v.Result != tc.want || !strings.Contains(v.Reason, tc.says) {
					t.Errorf("%+v; want %s with %q", v, tc.want, tc.says)
				}
			})
		})
	}
	t.Run("without an exchanger nothing is proven", func(t *testing.T) {
		if v := cutover.TrustProven(nil)(context.Background(), apiTarget(readerFuncs{})); v.Result != cutover.Inconclusive {
			t.Errorf("%+v", v)
		}
	})
}
