package catalog_test

import (
	"fmt"
	mathrand "math/rand"
	"reflect"

	"github.com/wimigrate/wimigrate/catalog"
)

type rand = mathrand.Rand

// randomSnapshot fills every field of a snapshot, so that a field that is added is tested without further ado.
func randomSnapshot(r *rand) catalog.Snapshot {
	var s catalog.Snapshot
	fill(reflect.ValueOf(&s).Elem(), r, 0)
	return s
}

func fill(v reflect.Value, r *rand, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field, r, depth+1)
		}
	case reflect.Pointer:
		if r.Intn(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), r, depth+1)
		}
	case reflect.Slice:
		n := r.Intn(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), r, depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range r.Intn(3) {
			v.SetMapIndex(reflect.ValueOf(fmt.Sprintf("key-%d", i)), reflect.ValueOf(randomText(r)))
		}
	case reflect.String:
		v.SetString(randomText(r))
	case reflect.Bool:
		v.SetBool(r.Intn(2) == 0)
	case reflect.Int, reflect.Int32:
		v.SetInt(int64(r.Intn(1000)))
	default:
		panic("random snapshot: " + v.Kind().String())
	}
}

func randomText(r *rand) string {
	words := []string{"", "web", "<&>", "ünï", "a\"b", "line\nbreak", "\u2028", "/subscriptions/S/x"}
	return words[r.Intn(len(words))]
}
