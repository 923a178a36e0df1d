/*
 * rpc/handlers.h: what the rows of rpc/method.c call. Not for anybody outside of rpc/.
 *
 * get..., submit..., ...: begin a call; the ones in the past tense make the result out of the node's reply.
 */
#ifndef NOTCH_RPC_HANDLERS_H
#define NOTCH_RPC_HANDLERS_H

struct notch__call;

void notch__do_getinfo(struct notch__call *call);
void notch__do_getconfig(struct notch__call *call);
void notch__do_getpeers(struct notch__call *call);
void notch__do_stop(struct notch__call *call);
void notch__do_votereset(struct notch__call *call);
void notch__do_trustclock(struct notch__call *call);
void notch__do_operated(struct notch__call *call);
void notch__do_discover(struct notch__call *call);
void notch__do_getblock(struct notch__call *call);
void notch__do_getheader(struct notch__call *call);
void notch__do_getrecord(struct notch__call *call);
void notch__do_getentry(struct notch__call *call);
void notch__do_listrecords(struct notch__call *call);
void notch__do_getproof(struct notch__call *call);
void notch__do_verifyproof(struct notch__call *call);
void notch__do_getstate(struct notch__call *call);
void notch__do_gethistoryproof(struct notch__call *call);
void notch__do_getreceipt(struct notch__call *call);
void notch__do_submitrecord(struct notch__call *call);
void notch__do_submitted(struct notch__call *call);
void notch__do_submitrecords(struct notch__call *call);
void notch__do_submitted_all(struct notch__call *call);
void notch__do_getrecordstatus(struct notch__call *call);
void notch__do_status_replied(struct notch__call *call);
void notch__do_publishinsight(struct notch__call *call);
void notch__do_commitneed(struct notch__call *call);
void notch__do_revealneed(struct notch__call *call);
void notch__do_offercapacity(struct notch__call *call);
void notch__do_recognise(struct notch__call *call);
void notch__do_signrecord(struct notch__call *call);
void notch__do_published(struct notch__call *call);
void notch__do_signed(struct notch__call *call);
void notch__do_getvalidators(struct notch__call *call);
void notch__do_validators_replied(struct notch__call *call);
void notch__do_getfinality(struct notch__call *call);
void notch__do_finality_replied(struct notch__call *call);
void notch__do_getevidence(struct notch__call *call);
void notch__do_subscribe(struct notch__call *call);
void notch__do_unsubscribe(struct notch__call *call);

#endif
