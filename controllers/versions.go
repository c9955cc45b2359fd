package controllers

import (
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// versions are the resource versions in which objects of one kind were read from the API server or written last. A cache that shows another
// one is late, or somebody else wrote: the API server knows.
type versions struct{ last sync.Map }

func (v *versions) saw(object client.Object) {
	v.last.Store(client.ObjectKeyFromObject(object), object.GetResourceVersion())
}

// isLast reports whether what the cache holds, if anything, is what was seen last.
func (v *versions) isLast(object client.Object) bool {
	last, seen := v.last.Load(client.ObjectKeyFromObject(object))
	return seen && last == object.GetResourceVersion()
}

// wrote notes how a write of an object ended, and returns its error: after one it may have been written, and only the answer lost.
func (v *versions) wrote(object client.Object, err error) error {
	if err != nil {
		v.forget(object)
		return err
	}
	v.saw(object)
	return nil
}

func (v *versions) forget(object client.Object) { v.last.Delete(client.ObjectKeyFromObject(object)) }
