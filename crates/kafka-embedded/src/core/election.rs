//! Which broker leads which partition when brokers come and go.

use kafka_core::protocol::ErrorCode;

use super::Cluster;
use crate::topics::Partition;

impl Cluster {
    /// A broker is gone: what it led gets another leader among the replicas in sync, and it leaves all of those.
    pub(crate) fn broker_stopped(&mut self, broker: i32) {
        if let Some(broker) = self.brokers.get_mut(&broker) {
            broker.alive = false;
            broker.sessions.clear();
            broker.share_sessions.clear();
        }
        self.elect_all();
    }

    /// A broker is back: its replicas are in sync again, and partitions without a leader get one.
    pub(crate) fn broker_started(&mut self, broker: i32) {
        if let Some(broker) = self.brokers.get_mut(&broker) {
            broker.alive = true;
        }
        self.elect_all();
    }

    fn elect_all(&mut self) {
        let alive: Vec<i32> = self.live_brokers().map(|broker| broker.id).collect();
        for partition in self.topics.partitions_mut() {
            elect(partition, &alive);
        }
        self.leaders_changed();
    }

    /// Makes `leader` the partition's leader; false if it holds no replica that is in sync.
    pub(crate) fn move_leader(&mut self, topic: &str, partition: i32, leader: i32) -> bool {
        let Some(partition) = self.topics.partition_mut(topic, partition) else { return false };
        if !partition.isr.contains(&leader) {
            return false;
        }
        if partition.leader != leader {
            partition.become_led_by(leader);
            self.leaders_changed();
        }
        true
    }

    /// Gives a partition back to the replica that is named first; with `unclean`, gives one that has no leader to any replica
    /// that lives.
    pub(crate) fn elect_leader(&mut self, topic: &str, index: i32, unclean: bool) -> Result<(), ErrorCode> {
        let partition = self.topics.partition(topic, index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let preferred = partition.replicas.first().copied().unwrap_or(-1);
        let needed = if unclean { partition.leader < 0 } else { partition.leader != preferred };
        if !needed {
            return Err(ErrorCode::ELECTION_NOT_NEEDED);
        }
        if !unclean {
            let led = self.is_alive(preferred) && self.move_leader(topic, index, preferred);
            return if led { Ok(()) } else { Err(ErrorCode::PREFERRED_LEADER_NOT_AVAILABLE) };
        }
        let live: Vec<i32> =
            partition.replicas.iter().copied().filter(|&replica| self.is_alive(replica)).collect();
        let &leader = live.first().ok_or(ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE)?;
        if let Some(partition) = self.topics.partition_mut(topic, index) {
            partition.become_led_by(leader);
            partition.isr = live;
        }
        self.leaders_changed();
        Ok(())
    }

    /// Gives a partition to other brokers. They have its log at once.
    pub(crate) fn reassign(&mut self, topic: &str, index: i32, replicas: Vec<i32>) {
        let alive: Vec<i32> = self.live_brokers().map(|broker| broker.id).collect();
        let Some(partition) = self.topics.partition_mut(topic, index) else { return };
        if partition.replicas == replicas {
            return;
        }
        let live: Vec<i32> = replicas.iter().copied().filter(|id| alive.contains(id)).collect();
        let leader_goes = !live.contains(&partition.leader);
        partition.replicas = replicas;
        partition.partition_epoch += 1;
        match live.first() {
            Some(&first) => {
                if leader_goes {
                    partition.become_led_by(first);
                }
                partition.isr = live;
            }
            None => partition.become_led_by(-1),
        }
        self.leaders_changed();
    }

    /// The replicas whose brokers are down.
    pub(crate) fn offline_replicas(&self, partition: &Partition) -> Vec<i32> {
        partition.replicas.iter().copied().filter(|&id| !self.is_alive(id)).collect()
    }

    /// Cuts a log off and begins a new epoch; where it ends then.
    pub(crate) fn truncate(&mut self, topic: &str, partition: i32, offset: i64) -> Option<i64> {
        let partition = self.topics.partition_mut(topic, partition)?;
        let end = partition.log.truncate(offset);
        partition.become_led_by(partition.leader);
        self.leaders_changed();
        Some(end)
    }

    /// What waited at a former leader is answered: fetches with an error, members of groups likewise.
    fn leaders_changed(&mut self) {
        self.recheck_all_fetches();
        self.recheck_share_fetches();
        self.refuse_members_of_moved_groups();
    }
}

pub(super) fn elect(partition: &mut Partition, alive: &[i32]) {
    let before = partition.isr.clone();
    let keeps_up = |id: &i32| alive.contains(id) && !partition.behind.contains(id);
    let live: Vec<i32> = partition.replicas.iter().copied().filter(keeps_up).collect();
    // The last one in sync stays so when it dies: nobody else has all records.
    let leader_lives = alive.contains(&partition.leader);
    if leader_lives {
        partition.isr = live;
    } else {
        let in_sync: Vec<i32> = live.iter().copied().filter(|id| partition.isr.contains(id)).collect();
        match in_sync.first() {
            Some(&leader) => {
                partition.become_led_by(leader);
                partition.isr = live;
            }
            None if partition.leader != -1 => {
                let last = partition.leader;
                partition.become_led_by(-1);
                partition.isr = vec![last];
            }
            None => {}
        }
    }
    if partition.isr != before {
        partition.partition_epoch += 1;
    }
}
