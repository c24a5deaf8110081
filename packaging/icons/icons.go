// Package icons holds planar's icon. The PNG files are made of planar.svg, see
// update.sh.
package icons

import _ "embed"

// PNG is the icon for the window, 64x64, with transparency.
//
//go:embed planar-64.png
var PNG []byte
