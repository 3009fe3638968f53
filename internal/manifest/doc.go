// Package manifest reads streams of Kubernetes objects, as kubectl and Git repositories write them, without parsing what nobody asks
// for. JSON lists of any size are read item by item; an object is scanned once for where its fields begin and end, and a field is
// parsed only when it is asked for. Numbers, booleans and duplicate keys mean what they mean to kubectl.
//
// Memory is bounded by the largest single object, whatever the size of the stream.
package manifest
