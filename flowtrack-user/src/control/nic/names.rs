//! What drivers call their counters.
//!
//! From their sources in Linux 6.x; `#` stands for the number of a queue. Only that of veth is measured
//! here, by a test.

/// What is known of a driver.
#[derive(Clone, Copy, Debug)]
pub(super) struct Driver {
    /// Counters that tell more than those of the kernel.
    counters: &'static [&'static str],
    /// See [`super::NicRow::comparable`].
    pub(super) comparable: bool,
    /// Counters of packets that count as received and do not get to the program.
    pub(super) refused: &'static [&'static str],
    /// Counters of packets that are in `refused` too, but that the program itself dropped.
    pub(super) refused_by_program: &'static [&'static str],
}

const UNKNOWN: Driver = Driver {
    counters: &[],
    comparable: false,
    refused: &[],
    refused_by_program: &[],
};

/// Counts what its poll took from the ring between the ends. What finds that ring full is `tx_dropped` of the
/// other end. Its drops are those of a redirection that failed, which the program has seen, and those for
/// want of memory, which it has not: they cannot be told apart.
const VETH: Driver = Driver {
    counters: &[
        "rx_queue_#_xdp_packets",
        "rx_queue_#_drops",
        "rx_queue_#_xdp_redirect",
        "rx_queue_#_xdp_drops",
    ],
    comparable: true,
    ..UNKNOWN
};

/// Counts what it took from the virtqueues, whatever became of it. The names changed with Linux 6.9.
const VIRTIO_NET: Driver = Driver {
    counters: &[
        "rx#_xdp_packets",
        "rx#_drops",
        "rx#_xdp_redirects",
        "rx#_xdp_drops",
        "rx_queue_#_xdp_packets",
        "rx_queue_#_drops",
        "rx_queue_#_xdp_redirects",
        "rx_queue_#_xdp_drops",
    ],
    comparable: true,
    refused: &["rx#_drops", "rx_queue_#_drops"],
    refused_by_program: &["rx#_xdp_drops", "rx_queue_#_xdp_drops"],
};

/// `rx_packets` has only what the program passed on; `rx_packets_phy` also what steering or a full buffer
/// took out.
const MLX5: Driver = Driver {
    counters: &[
        "rx_packets_phy",
        "rx_discards_phy",
        "rx_out_of_buffer",
        "dev_out_of_buffer",
        "rx_steer_missed_packets",
        "rx_buff_alloc_err",
        "rx_wqe_err",
        "rx_oversize_pkts_sw_drop",
        "rx_xdp_redirect",
        "rx_xdp_drop",
        "rx_xsk_packets",
        "rx_xsk_xdp_redirect",
        "rx_xsk_xdp_drop",
        "rx_xsk_buff_alloc_err",
        "rx_xsk_congst_umr",
    ],
    ..UNKNOWN
};

/// Intel's drivers count in the ring what they took from it, also what the program redirected or dropped.
const I40E: Driver = Driver {
    counters: &[
        "port.rx_dropped",
        "port.rx_crc_errors",
        "rx_alloc_fail",
        "rx_pg_alloc_fail",
        "rx_unknown_protocol",
    ],
    comparable: true,
    ..UNKNOWN
};

const ICE: Driver = Driver {
    counters: &[
        "rx_dropped.nic",
        "rx_crc_errors.nic",
        "rx_oversize.nic",
        "rx_alloc_fail",
        "rx_pg_alloc_fail",
    ],
    comparable: true,
    ..UNKNOWN
};

const IXGBE: Driver = Driver {
    counters: &[
        "rx_no_buffer_count",
        "rx_no_dma_resources",
        "alloc_rx_buff_failed",
        "alloc_rx_page_failed",
    ],
    comparable: true,
    ..UNKNOWN
};

const IGB: Driver = Driver {
    counters: &[
        "rx_no_buffer_count",
        "rx_queue_#_drops",
        "rx_queue_#_alloc_failed",
    ],
    comparable: true,
    ..UNKNOWN
};

/// `rx_packets` comes from the NIC once a second.
const BNXT: Driver = Driver {
    counters: &[
        "[#]: rx_discards",
        "[#]: rx_errors",
        "rx_total_buf_errors",
        "rx_total_oom_discards",
        "rx_total_netpoll_discards",
        "rx_total_ring_discards",
    ],
    ..UNKNOWN
};

const ENA: Driver = Driver {
    counters: &[
        "queue_#_rx_empty_rx_ring",
        "queue_#_rx_page_alloc_fail",
        "queue_#_rx_bad_desc_num",
        "queue_#_rx_xdp_redirect",
        "queue_#_rx_xdp_drop",
        "queue_#_rx_xdp_aborted",
        "bw_in_allowance_exceeded",
        "pps_allowance_exceeded",
    ],
    ..UNKNOWN
};

/// What is known of the driver of this name.
pub(super) fn driver(name: &str) -> Driver {
    match name {
        "veth" => VETH,
        "virtio_net" => VIRTIO_NET,
        "mlx5_core" => MLX5,
        "i40e" => I40E,
        "ice" => ICE,
        "ixgbe" => IXGBE,
        "igb" | "igc" => IGB,
        "bnxt_en" => BNXT,
        "ena" => ENA,
        _ => UNKNOWN,
    }
}

impl Driver {
    /// What a counter is shown as; `None` if it is not of interest. Of a driver that is not known here, all are
    /// that sound of received packets that were lost.
    pub(super) fn of_interest(&self, name: &str) -> Option<String> {
        let shape = shape(name);
        let known = if self.counters.is_empty() {
            sounds_of_loss(&shape)
        } else {
            self.counters.contains(&shape.as_str())
        };
        known.then_some(shape)
    }
}

/// The name with `#` for each number in it.
fn shape(name: &str) -> String {
    let mut shape = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '0'..='9' if shape.ends_with('#') => {}
            '0'..='9' => shape.push('#'),
            other => shape.push(other),
        }
    }
    shape
}

fn sounds_of_loss(name: &str) -> bool {
    const LOSSES: [&str; 7] = [
        "drop",
        "discard",
        "miss",
        "no_buf",
        "out_of_buf",
        "overrun",
        "fifo",
    ];
    name.contains("rx") && LOSSES.iter().any(|loss| name.contains(loss))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_of_interest_is_known_by_its_shape() {
        let cases = [
            ("veth", "rx_queue_0_drops", Some("rx_queue_#_drops")),
            ("veth", "rx_queue_17_drops", Some("rx_queue_#_drops")),
            ("veth", "tx_queue_0_xdp_xmit", None),
            ("veth", "peer_ifindex", None),
            ("virtio_net", "rx0_drops", Some("rx#_drops")),
            // The sum of those of the queues.
            ("virtio_net", "rx_drops", None),
            ("mlx5_core", "rx_out_of_buffer", Some("rx_out_of_buffer")),
            ("mlx5_core", "rx12_xsk_packets", None),
            ("ice", "rx_dropped.nic", Some("rx_dropped.nic")),
            ("bnxt_en", "[3]: rx_discards", Some("[#]: rx_discards")),
            (
                "ena",
                "queue_2_rx_empty_rx_ring",
                Some("queue_#_rx_empty_rx_ring"),
            ),
            ("something", "rx_fifo_overflow", Some("rx_fifo_overflow")),
            ("something", "q4_rx_dropped", Some("q#_rx_dropped")),
            ("something", "tx_dropped", None),
            ("something", "rx_packets", None),
        ];
        for (name, counter, expected) in cases {
            let found = driver(name).of_interest(counter);
            assert_eq!(found.as_deref(), expected, "{counter} of {name}");
        }
    }

    #[test]
    fn what_a_driver_refuses_is_among_its_counters() {
        for driver in [VETH, VIRTIO_NET, MLX5, I40E, ICE, IXGBE, IGB, BNXT, ENA] {
            let refused = driver.refused.iter().chain(driver.refused_by_program);
            for name in refused {
                assert!(driver.counters.contains(name), "{name}");
            }
        }
    }
}
