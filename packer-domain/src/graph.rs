//! Strongly connected components of the reference graph: its cycles, and an order in which every asset comes after what
//! it refers to.
//!
//! Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972), iterative: a chain of references may be
//! as long as the project is large.

/// The components of the graph whose node `i` refers to the nodes `edges[i]`, targets before those who refer to them.
/// Within a component, nodes ascend. Indices beyond the graph are passed over.
pub(crate) fn components(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let count = edges.len();
    let mut order = vec![UNSEEN; count];
    let mut low = vec![0; count];
    let mut on_stack = vec![false; count];
    let mut stack = Vec::new();
    let mut visits: Vec<(usize, usize)> = Vec::new();
    let mut next = 0;
    let mut found = Vec::new();

    for root in 0..count {
        if order[root] != UNSEEN {
            continue;
        }
        visits.push((root, 0));
        while let Some((node, edge)) = visits.pop() {
            if edge == 0 {
                order[node] = next;
                low[node] = next;
                next += 1;
                stack.push(node);
                on_stack[node] = true;
            }
            if let Some(&target) = edges[node].get(edge) {
                visits.push((node, edge + 1));
                if target >= count {
                    continue;
                }
                if order[target] == UNSEEN {
                    visits.push((target, 0));
                } else if on_stack[target] {
                    low[node] = low[node].min(order[target]);
                }
                continue;
            }
            if let Some((parent, _)) = visits.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
            if low[node] == order[node] {
                let at = stack.iter().rposition(|other| *other == node).unwrap_or(0);
                let mut component = stack.split_off(at);
                for member in &component {
                    on_stack[*member] = false;
                }
                component.sort_unstable();
                found.push(component);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_come_first_and_cycles_stay_together() {
        // 0 -> 1 -> 2 -> 1, 3 -> 0, 4 alone, 5 -> 5
        let edges = [vec![1], vec![2], vec![1], vec![0], vec![], vec![5]];
        assert_eq!(components(&edges), [vec![1, 2], vec![0], vec![3], vec![4], vec![5]]);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let edges: Vec<Vec<usize>> = (0..200_000).map(|i| vec![i + 1]).collect();
        let found = components(&edges);
        assert_eq!((found.len(), &found[0]), (200_000, &vec![199_999]));
    }

    #[test]
    fn nodes_between_two_cycles_are_in_neither() {
        let edges = [vec![1], vec![0, 2], vec![3], vec![4], vec![3]];
        assert_eq!(components(&edges), [vec![3, 4], vec![2], vec![0, 1]]);
    }
}
