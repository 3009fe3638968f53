package catalog

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/wimigrate/wimigrate/internal/manifest"
	"github.com/wimigrate/wimigrate/internal/pause"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
)

// Retries of one list, and of discovery.
const (
	liveAttempts = 4
	liveBackoff  = 250 * time.Millisecond
	liveMaxDelay = 30 * time.Second
)

// list reads one list, again from the start where the reason of a failure may pass, and returns what it holds. What still fails is a
// gap, beside what was read of it.
func (r *liveRead) list(ctx context.Context, l liveList) *collector {
	var part *collector
	err := retry(ctx, transient, func() error {
		part = newCollector("", r.opts.Heuristics)
		return r.pages(ctx, l, part)
	})
	if err == nil || apierrors.IsNotFound(err) { // the definition went away since discovery
		part.snap.PodsRead = l.group == "" && l.resource == "pods"
		return part
	}
	part.gap(l.name(), reasonOfList(l, err))
	return part
}

// retry reads until that succeeds, fails for a reason that does not pass, or has failed often enough.
func retry(ctx context.Context, passes func(error) bool, read func() error) error {
	delay := liveBackoff
	for attempt := 1; ; attempt++ {
		err := read()
		if err == nil || attempt == liveAttempts || !passes(err) || pause.For(ctx, suggested(err, delay)) != nil {
			return err
		}
		delay *= 2
	}
}

// answers reports whether a failure is transient and came from a server that can be reached: nobody waits for one that is not there.
func answers(err error) bool {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return false
	}
	_, stranger := errors.AsType[*tls.CertificateVerificationError](err)
	return !stranger && transient(err)
}

// transient reports whether the same request may succeed later. A continue token that expired (410) asks for a new list.
func transient(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	}
	code := status.Status().Code
	return code >= 500 || code == http.StatusTooManyRequests || code == http.StatusGone || code == http.StatusRequestTimeout
}

func suggested(err error, delay time.Duration) time.Duration {
	if seconds, ok := apierrors.SuggestsClientDelay(err); ok {
		delay = max(delay, time.Duration(seconds)*time.Second)
	}
	return min(delay, liveMaxDelay)
}

// reasonOfList puts the failure of a list into words, with what to do.
func reasonOfList(l liveList, err error) string {
	var status apierrors.APIStatus
	switch {
	case apierrors.IsForbidden(err):
		return "forbidden: grant list on " + l.name() + " in all namespaces"
	case apierrors.IsUnauthorized(err):
		return "unauthorized: the API server does not accept the credentials"
	case errors.As(err, &status):
		s := status.Status()
		return fmt.Sprintf("HTTP %d %s: %s", s.Code, s.Reason, shown(s.Message))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the response is truncated"
	case errors.Is(err, context.DeadlineExceeded):
		return "timed out"
	case errors.Is(err, context.Canceled):
		return "the read was stopped"
	}
	return shown(err.Error())
}

const protobuf = "application/vnd.kubernetes.protobuf"

func (e encoding) accept() string {
	switch e {
	case asProtobuf:
		return protobuf + ",application/json;q=0.5"
	case asMetadata:
		return protobuf + ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1;q=0.5"
	case asJSON:
	}
	return "application/json"
}

func (r *liveRead) request(l liveList) *rest.Request {
	req := r.rest.Get().MaxRetries(0).SetHeader("Accept", l.encoding.accept())
	if l.group == "" {
		req = req.AbsPath("/api", l.version, l.resource)
	} else {
		req = req.AbsPath("/apis", l.group, l.version, l.resource)
	}
	if l.selector != "" {
		req = req.Param("labelSelector", l.selector)
	}
	return req
}

// pages reads a list in one response, or page by page.
func (r *liveRead) pages(ctx context.Context, l liveList, part *collector) error {
	token := ""
	for {
		req := r.request(l)
		switch {
		case r.opts.PageSize <= 0:
			req = req.Param("resourceVersion", "0")
		case token == "":
			req = req.Param("limit", strconv.FormatInt(r.opts.PageSize, 10))
		default:
			req = req.Param("limit", strconv.FormatInt(r.opts.PageSize, 10)).Param("continue", token)
		}
		body, err := req.Stream(ctx)
		if err != nil {
			return err
		}
		token, err = r.page(l, body, part)
		_ = body.Close() // it was read to its end or is broken
		if err != nil {
			if cause := ctx.Err(); cause != nil {
				return cause
			}
			return err
		}
		if token == "" {
			return nil
		}
	}
}

// page decodes one response as a stream and returns its continue token. Servers that know no protobuf answer with JSON.
func (r *liveRead) page(l liveList, body io.Reader, part *collector) (token string, err error) {
	b := bufio.NewReaderSize(body, 64<<10)
	magic, err := b.Peek(1)
	if err != nil {
		return "", io.ErrUnexpectedEOF
	}
	if magic[0] == 'k' {
		return readProtobufList(b, func(item []byte) error { return part.protobuf(l, item) })
	}
	ended := false
	err = manifest.ReadJSON(b, manifest.Handler{
		Object: func(o *manifest.Object) {
			o.APIVersion, o.Kind = l.apiVersion(), l.kind
			if l.encoding == asMetadata && l.kind == "ReplicaSet" {
				part.metadataOnly(o)
				return
			}
			part.object(o, "live")
		},
		Problem: func(p manifest.Problem) {
			part.malformed(Malformed{Origin: "live", Object: l.kind, Field: p.Field, Reason: p.Reason})
		},
		List: func(continueToken string) { token, ended = continueToken, true },
	})
	if err == nil && !ended {
		err = fmt.Errorf("the response is no list")
	}
	return token, err
}

// issuer reads the issuer that the cluster publishes, exactly as its tokens carry it.
// https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
func (r *liveRead) issuer(ctx context.Context) {
	const path = "/.well-known/openid-configuration"
	body, err := r.rest.Get().AbsPath(path).MaxRetries(2).SetHeader("Accept", "application/json").Stream(ctx)
	var document struct {
		Issuer string `json:"issuer"`
	}
	if err == nil {
		err = json.NewDecoder(io.LimitReader(body, 1<<20)).Decode(&document)
		_ = body.Close() // one small document
	}
	snap := &r.collector.snap
	switch {
	case err == nil && document.Issuer != "":
		snap.Cluster.Issuer = document.Issuer
	case snap.Cluster.Issuer == "":
		reason := "it names no issuer"
		if err != nil {
			reason = reasonOfList(liveList{resource: path}, err)
		}
		if apierrors.IsForbidden(err) {
			reason = "forbidden: bind ClusterRole system:service-account-issuer-discovery, or give the issuer beforehand"
		}
		r.collector.gap(path, reason)
	}
}
