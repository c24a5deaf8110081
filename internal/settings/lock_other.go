//go:build !unix

package settings

// lock does nothing: of two changes at the same time one may get lost, but the
// file stays whole.
func lock(string) (unlock func()) { return func() {} }
