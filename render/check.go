package render

import "fmt"

// CheckPlanes reports an error unless p has a size and every plane's Data
// holds the rows it claims. Code that hands planes to C calls it first.
func (p *Picture) CheckPlanes() error {
	if p.Width <= 0 || p.Height <= 0 {
		return fmt.Errorf("a %s picture of %dx%d has no pixels", p.Format, p.Width, p.Height)
	}
	for i, pl := range p.Planes {
		if pl.Rows <= 0 || pl.RowBytes <= 0 || pl.Stride < pl.RowBytes ||
			len(pl.Data) < (pl.Rows-1)*pl.Stride+pl.RowBytes {
			return fmt.Errorf("plane %d of a %s picture of %dx%d: %d bytes do not hold %d rows of %d bytes %d apart",
				i, p.Format, p.Width, p.Height, len(pl.Data), pl.Rows, pl.RowBytes, pl.Stride)
		}
	}
	return nil
}
