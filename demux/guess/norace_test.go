//go:build !race

package guess

const thin = 1
