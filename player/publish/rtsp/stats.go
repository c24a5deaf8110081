package rtsp

import (
	"cmp"
	"slices"
)

// ServerStats is what a server does.
type ServerStats struct {
	Connections int // of viewers, publishers, and those who only ask
	Paths       []PathStats
}

// PathStats is what one path does. Counters are since the path has begun.
type PathStats struct {
	Name    string // without "/" at its beginning
	Pushed  bool   // by somebody else
	Viewers int    // that have set something up
	Slow    int    // those of them that units had to be left out for
	Sent    int64  // bytes to all viewers
	Dropped int64  // units left out, of all viewers
}

// Stats may be called at any time, from any goroutine. The paths are sorted by name.
func (s *Server) Stats() ServerStats {
	s.mu.Lock()
	st := ServerStats{Connections: len(s.conns)}
	paths := make([]*path, 0, len(s.paths))
	for _, p := range s.paths {
		paths = append(paths, p)
	}
	pushed := map[*path]bool{}
	for _, u := range s.pushes {
		pushed[u.p] = true
	}
	s.mu.Unlock()
	for _, p := range paths {
		one := p.stats()
		one.Pushed = pushed[p]
		st.Paths = append(st.Paths, one)
	}
	slices.SortFunc(st.Paths, func(a, b PathStats) int { return cmp.Compare(a.Name, b.Name) })
	return st
}

func (p *path) stats() PathStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := PathStats{Name: p.name, Viewers: len(p.viewers), Sent: p.sent.Load(), Dropped: p.dropped}
	for v := range p.viewers {
		n, slow := v.dropped()
		st.Dropped += n
		if slow {
			st.Slow++
		}
	}
	return st
}
