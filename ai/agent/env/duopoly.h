/*
 * ai/agent/env/duopoly.h: the duopoly of Calvano, Calzolari, Denicolo and Pastorello (2020): two goods with logit
 * demand, quality 2, outside good 0, mu 1/4, cost 1.
 *
 * Its one-period Nash price is 1.4730 (profit 0.2230 each), the price of a monopoly of both 1.9250 (0.3375 each):
 * where the prices of two learners settle between these says how much they collude.
 *
 * Thread       Any.
 */
#ifndef NOTCH_AI_AGENT_ENV_DUOPOLY_H
#define NOTCH_AI_AGENT_ENV_DUOPOLY_H

#define NOTCH_DUOPOLY_COST 1.0
#define NOTCH_DUOPOLY_PRICE_MIN 1.05
#define NOTCH_DUOPOLY_PRICE_MAX 2.5

/* What a seller at `price` sells against one at `rival`. */
double notch_duopoly_demand(double price, double rival);
double notch_duopoly_profit(double price, double rival);

/* The price that brings most in one period against `rival`. */
double notch_duopoly_best_response(double rival);

/* 0 at the profit of Nash, 1 at that of the monopoly (Calvano's Delta). */
double notch_duopoly_collusion(double profit);

#endif
