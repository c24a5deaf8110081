//go:build !linux || !cgo

package filemap

import (
	"errors"
	"os"
)

func mapFile(*os.File, int64, int) ([]byte, func(), error) { return nil, nil, errors.ErrUnsupported }
