//! Which broker leads which partition when brokers come and go.

use super::Cluster;
use crate::topics::Partition;

impl Cluster {
    /// A broker is gone: what it led gets another leader among the replicas in sync, and it leaves all of those.
    pub(crate) fn broker_stopped(&mut self, broker: i32) {
        if let Some(broker) = self.brokers.get_mut(&broker) {
            broker.alive = false;
            broker.sessions.clear();
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
        self.refuse_members_of_moved_groups();
    }
}

fn elect(partition: &mut Partition, alive: &[i32]) {
    let before = partition.isr.clone();
    let live: Vec<i32> = partition.replicas.iter().copied().filter(|id| alive.contains(id)).collect();
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
