//go:build race

package guess

// thin is how many of the films are left out: the race detector makes judging
// them many times slower.
const thin = 24
